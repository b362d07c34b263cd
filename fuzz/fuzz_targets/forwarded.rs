#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| seawall_fuzz::forwarded(input));
