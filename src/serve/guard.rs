//! Access control of requests.
//!
//! The address holds a random token, unknown to other users and pages. A page of another origin that has the token
//! is refused by the `Host` header (DNS rebinding) and the `Origin` header of its requests.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Content security policy. Scripts and styles stand in the page itself, into which no name is written as markup.
const POLICY: &str = "default-src 'none'; img-src 'self' data: blob:; style-src 'unsafe-inline'; \
    script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The port and token of valid requests.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    port: u16,
    token: String,
}

impl Guard {
    pub(super) fn new(port: u16, token: String) -> Self {
        Self { port, token }
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token)
    }

    /// Whether `value` names this server, behind `prefix`.
    fn is_own(&self, value: &HeaderValue, prefix: &str) -> bool {
        let host = value.to_str().ok().and_then(|v| v.strip_prefix(prefix));
        let names = ["127.0.0.1", "localhost"];
        let rest = host.and_then(|host| names.iter().find_map(|name| host.strip_prefix(name)));
        match rest {
            // A port that browsers leave out.
            Some("") => self.port == 80,
            Some(port) => port == format!(":{}", self.port),
            None => false,
        }
    }

    /// The status that refuses a request, if it is refused.
    fn refusal(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<StatusCode> {
        let hosts: Vec<_> = headers.get_all(HOST).iter().collect();
        if hosts.len() != 1 || !self.is_own(hosts[0], "") {
            return Some(StatusCode::FORBIDDEN);
        }
        let origin = headers.get(ORIGIN);
        if origin.is_some_and(|origin| !self.is_own(origin, "http://")) {
            return Some(StatusCode::FORBIDDEN);
        }
        // Browsers state the origin of everything that is not a plain read.
        let is_read = method == Method::GET || method == Method::HEAD;
        if !is_read && origin.is_none() {
            return Some(StatusCode::FORBIDDEN);
        }
        let token = path.trim_start_matches('/').split('/').next();
        match token.is_some_and(|token| is_equal(token, &self.token)) {
            true => None,
            false => Some(StatusCode::NOT_FOUND),
        }
    }
}

/// Compares in a time that does not depend on the number of right letters.
fn is_equal(given: &str, token: &str) -> bool {
    given.len() == token.len()
        && given
            .bytes()
            .zip(token.bytes())
            .fold(0, |all, (a, b)| all | (a ^ b))
            == 0
}

/// Refuses invalid requests, and sets the security headers of all responses.
pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let mut response = match guard.refusal(request.method(), path, request.headers()) {
        Some(status) => status.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    let corp = HeaderName::from_static("cross-origin-resource-policy");
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (corp, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let own = HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert(own);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Option<u16> {
        let guard = Guard::new(7777, "abc".into());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let status = guard.refusal(&method, path, &map);
        status.map(|status| status.as_u16())
    }

    #[test]
    fn only_this_page_gets_an_answer() {
        let host = (HOST, "127.0.0.1:7777");
        let get = |path, headers: &[_]| refused(Method::GET, path, headers);
        assert_eq!(get("/abc/", std::slice::from_ref(&host)), None);
        assert_eq!(get("/abc/data", &[(HOST, "localhost:7777")]), None);
        for path in ["/", "/abd/", "/ab/", "/abcd/", "/x/abc/"] {
            assert_eq!(get(path, std::slice::from_ref(&host)), Some(404), "{path}");
        }
        for name in [
            "evil.example:7777",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1.evil:7777",
        ] {
            assert_eq!(get("/abc/", &[(HOST, name)]), Some(403), "{name}");
        }
        assert_eq!(get("/abc/", &[]), Some(403));
        assert_eq!(get("/abc/", &[host.clone(), host.clone()]), Some(403));
        let post =
            |origin: &str| refused(Method::POST, "/abc/act", &[host.clone(), (ORIGIN, origin)]);
        assert_eq!(post("http://127.0.0.1:7777"), None);
        for origin in [
            "null",
            "http://evil.example",
            "https://127.0.0.1:7777",
            "http://127.0.0.1:7778",
        ] {
            assert_eq!(post(origin), Some(403), "{origin}");
        }
        let plain = refused(Method::POST, "/abc/act", &[host]);
        assert_eq!(
            plain,
            Some(403),
            "a request without an origin changes nothing"
        );
    }
}
