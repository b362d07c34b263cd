use std::fmt;

use http::{Extensions, Request, Uri};

use super::text_key::{Maker, TextKey};

/// The template of a request's path as a key: `/users/{id}`, of which a service has a few.
///
/// The path itself is not one, as there is no end of paths. A router knows the template and leaves it in the extensions: in
/// axum it is `PathTemplate::in_extensions(|extensions| Some(extensions.get::<MatchedPath>()?.as_str()))`, for a layer of the
/// `Router`. Elsewhere a function finds it. Requests for which there is none share one key, [`TextKey::ABSENT`].
///
/// ```
/// use http::Request;
/// use seawall_http::keys::{PathTemplate, TextKey};
///
/// let template = PathTemplate::by(|uri| match uri.path() {
///     "/health" => Some("/health"),
///     path if path.starts_with("/users/") => Some("/users/{id}"),
///     _ => None,
/// });
/// let key = |path: &str| template.of(&Request::get(path).body(()).unwrap());
/// assert_eq!(key("/users/1"), key("/users/2"));
/// assert_eq!(key("/users/1"), template.of_value("/users/{id}"));
/// assert_ne!(key("/users/1"), key("/health"));
/// assert_eq!(key("/wp-admin"), TextKey::ABSENT);
/// ```
#[derive(Clone)]
#[must_use = "it is a key's description; `key` makes the function that a layer takes"]
pub struct PathTemplate {
    source: TemplateSource,
    maker: Maker,
}

#[derive(Clone, Copy)]
enum TemplateSource {
    Extensions(fn(&Extensions) -> Option<&str>),
    Uri(fn(&Uri) -> Option<&str>),
}

impl PathTemplate {
    /// The template that `find` finds in the extensions.
    pub fn in_extensions(find: fn(&Extensions) -> Option<&str>) -> Self {
        Self { source: TemplateSource::Extensions(find), maker: Maker::new() }
    }

    /// The template that `find` knows for the path. Answer one of a few texts, not a part of the path that a client can
    /// choose.
    pub fn by(find: fn(&Uri) -> Option<&str>) -> Self {
        Self { source: TemplateSource::Uri(find), maker: Maker::new() }
    }

    /// The key of a request.
    pub fn of<B>(&self, request: &Request<B>) -> TextKey {
        let template = match self.source {
            TemplateSource::Extensions(find) => find(request.extensions()),
            TemplateSource::Uri(find) => find(request.uri()),
        };
        template.map_or(TextKey::ABSENT, |template| self.of_value(template))
    }

    /// The key of a template, with which to ask a limiter for it, or to give it a quota of its own.
    pub fn of_value(&self, template: &str) -> TextKey {
        self.maker.make(template.as_bytes())
    }

    /// As a function, which is what a layer takes. All of them make the same keys.
    pub fn key<B>(&self) -> impl Fn(&Request<B>) -> TextKey + Clone + use<B> {
        let this = self.clone();
        move |request| this.of(request)
    }
}

// By hand, as the maker has a secret.
impl fmt::Debug for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathTemplate").finish_non_exhaustive()
    }
}
