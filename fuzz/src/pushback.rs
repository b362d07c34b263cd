use std::{str, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall_core::Hint;
use seawall_http::{GrpcCode, PUSHBACK, pushback_value};

use crate::input::Input;

/// The input as `grpc-retry-pushback-ms`, each of its lines as a value; as a time that is written to it; and as
/// `grpc-status`.
pub fn pushback(input: &[u8]) {
    let lines: Vec<_> = input.split(|&byte| byte == b'\n').map(HeaderValue::from_bytes).collect();
    // What cannot be a header's value does not arrive.
    let values: Vec<_> = lines.into_iter().filter_map(Result::ok).collect();
    let headers = values.iter().map(|value| (PUSHBACK, value.clone())).collect();
    assert_eq!(seawall_http::pushback(&headers), naive(&values), "{values:?}");
    if let Some(value) = values.first() {
        let text = value.to_str().unwrap_or("");
        let number = text.parse::<usize>().ok().filter(|number| number.to_string() == text);
        let code = number.and_then(|number| GrpcCode::ALL.get(number).copied()).unwrap_or(GrpcCode::Unknown);
        let status = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), value.clone())]);
        assert_eq!(GrpcCode::of_headers(&status), Some(code), "{value:?}");
    }
    there_and_back(Input::new(input).duration());
}

/// The same, by the standard library's parser and printer.
fn naive(values: &[HeaderValue]) -> Hint {
    let [value] = values else { return if values.is_empty() { Hint::None } else { Hint::Never } };
    let text = str::from_utf8(value.as_bytes()).unwrap_or("");
    match text.parse::<i32>() {
        Ok(millis @ 0..) if millis.to_string() == text => {
            Hint::Exactly(Duration::from_millis(millis.unsigned_abs().into()))
        }
        _ => Hint::Never,
    }
}

/// What is written is read, and is not less, but for what the header cannot say.
fn there_and_back(wait: Duration) {
    let value = pushback_value(Some(wait));
    let most = Duration::from_millis(i32::MAX.unsigned_abs().into());
    let Hint::Exactly(read) = seawall_http::pushback(&HeaderMap::from_iter([(PUSHBACK, value)])) else {
        panic!("{wait:?} was not read");
    };
    assert!(read <= most && (read >= wait || read == most), "{wait:?} came back as {read:?}");
    assert!(read.saturating_sub(wait) < Duration::from_millis(1), "{wait:?} came back as {read:?}");
}
