//! A request as bytes: rendered once by the caller, or again where its scenario says so, and never with a header that
//! someone smuggled in.

use std::io::Write;

use super::response::Expected;

/// A request ready to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Head and body, as [`render_into`] makes them.
    pub bytes: &'a [u8],
    /// Sending it twice does no more than sending it once, so it may be sent again on a new connection.
    pub idempotent: bool,
    /// What its response is read for.
    pub expected: Expected<'a>,
}

/// Why a request cannot be rendered. Values are not repeated: they may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The target is not a path of visible ASCII characters.
    #[error(
        "a path must start with `/` and cannot contain blanks, control characters, `#` or non-ASCII characters; percent-encode them"
    )]
    Target,
    /// The header's name is not a token.
    #[error("`{0}` is not a header name")]
    HeaderName(String),
    /// The header's value would end its line.
    #[error("the value of header `{0}` contains a line break or another control character")]
    HeaderValue(String),
    /// The header is one that only the client can get right.
    #[error("header `{0}` is set by loadgate from the body; remove it")]
    Framing(String),
}

/// Renders a request in place of what `bytes` held, so that all requests of a user take the same memory: its head, with
/// `Host` and `Content-Length` if they are due, and its body.
///
/// Fails if a part would break out of its place in the head, whatever template it came from. Then `bytes` holds no
/// request. The method is one of loadgate's own.
pub fn render_into<N: AsRef<str>, V: AsRef<[u8]>>(
    bytes: &mut Vec<u8>,
    method: &str,
    authority: &str,
    target: &str,
    headers: &[(N, V)],
    body: Option<&[u8]>,
) -> Result<(), RenderError> {
    push_line(bytes, method, target)?;
    let is_host = |(name, _): &(N, V)| name.as_ref().eq_ignore_ascii_case("host");
    if !headers.iter().any(is_host) {
        push_header(bytes, "Host", authority.as_bytes())?;
    }
    for (name, value) in headers {
        let name = name.as_ref();
        let is = |ours: &str| name.eq_ignore_ascii_case(ours);
        if is("content-length") || is("transfer-encoding") {
            return Err(RenderError::Framing(name.to_owned()));
        }
        push_header(bytes, name, value.as_ref())?;
    }
    // A method that usually has a body says so when it has none (RFC 9110, section 8.6).
    if body.is_some() || matches!(method, "POST" | "PUT" | "PATCH") {
        // Writing to memory cannot fail.
        let _ = write!(bytes, "Content-Length: {}\r\n", body.map_or(0, <[u8]>::len));
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.unwrap_or_default());
    Ok(())
}

/// As [`render_into`], where all that follows the request line is known: `rest` is what [`rest`] found in an earlier
/// rendering.
pub fn render_line_into(
    bytes: &mut Vec<u8>,
    method: &str,
    target: &str,
    rest: &[u8],
) -> Result<(), RenderError> {
    push_line(bytes, method, target)?;
    bytes.extend_from_slice(rest);
    Ok(())
}

/// What follows the request line of a rendered request.
pub fn rest(rendered: &[u8]) -> &[u8] {
    let end = rendered.iter().position(|byte| *byte == b'\n');
    &rendered[end.map_or(rendered.len(), |end| end + 1)..]
}

fn push_line(bytes: &mut Vec<u8>, method: &str, target: &str) -> Result<(), RenderError> {
    bytes.clear();
    if !is_target(target) {
        return Err(RenderError::Target);
    }
    for part in [method, " ", target, " HTTP/1.1\r\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    Ok(())
}

fn push_header(bytes: &mut Vec<u8>, name: &str, value: &[u8]) -> Result<(), RenderError> {
    if !is_token(name) {
        return Err(RenderError::HeaderName(name.escape_default().to_string()));
    }
    let is_refused = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if value.iter().any(is_refused) {
        return Err(RenderError::HeaderValue(name.to_owned()));
    }
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        bytes.extend_from_slice(part);
    }
    Ok(())
}

/// A path with its query; a proxy wants the scheme and the authority before it.
fn is_target(target: &str) -> bool {
    (target.starts_with('/') || target.starts_with("http://"))
        && target
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Keep;
    use super::*;

    /// A rendered request.
    pub(in crate::load::http) fn render<N: AsRef<str>, V: AsRef<[u8]>>(
        method: &str,
        authority: &str,
        target: &str,
        headers: &[(N, V)],
        body: Option<&[u8]>,
    ) -> Result<Vec<u8>, RenderError> {
        let mut bytes = Vec::new();
        render_into(&mut bytes, method, authority, target, headers, body)?;
        Ok(bytes)
    }

    /// A request whose response is kept up to so many bytes.
    pub(in crate::load::http) fn request<'a>(
        method: &str,
        bytes: &'a [u8],
        keep: Option<usize>,
    ) -> Request<'a> {
        Request {
            bytes,
            idempotent: ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].contains(&method),
            expected: Expected {
                head_only: method == "HEAD",
                keep: keep.map_or(Keep::Nothing, Keep::All),
                ..Expected::default()
            },
        }
    }

    const NONE: &[(&str, &str)] = &[];

    #[test]
    fn a_request_has_host_and_length_where_they_are_due() {
        for (method, headers, body, text) in [
            (
                "GET",
                NONE,
                None,
                "GET /a?b=c HTTP/1.1\r\nHost: x:1\r\n\r\n",
            ),
            (
                "POST",
                NONE,
                None,
                "POST /a?b=c HTTP/1.1\r\nHost: x:1\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "POST",
                &[("A", "b")],
                Some("hi"),
                "POST /a?b=c HTTP/1.1\r\nHost: x:1\r\nA: b\r\nContent-Length: 2\r\n\r\nhi",
            ),
            (
                "GET",
                &[("host", "y")],
                None,
                "GET /a?b=c HTTP/1.1\r\nhost: y\r\n\r\n",
            ),
        ] {
            let bytes = render(method, "x:1", "/a?b=c", headers, body.map(str::as_bytes));
            assert_eq!(bytes.as_deref(), Ok(text.as_bytes()));
        }
    }

    #[test]
    fn nothing_breaks_out_of_its_place() {
        for injected in ["a\r\nX: y", "a\nb", "a\rb", "a\0b"] {
            let value = render("GET", "x", "/", &[("A", injected)], None);
            assert_eq!(value, Err(RenderError::HeaderValue("A".into())));
            assert!(matches!(
                render("GET", "x", "/", &[(injected, "v")], None),
                Err(RenderError::HeaderName(_))
            ));
            assert!(render("GET", injected, "/", NONE, None).is_err());
            assert_eq!(
                render("GET", "x", &format!("/{injected}"), NONE, None),
                Err(RenderError::Target)
            );
        }
        for target in ["", "a", "/a b", "/ü", "/a#b", "ftp://x/"] {
            assert_eq!(
                render("GET", "x", target, NONE, None),
                Err(RenderError::Target),
                "{target}"
            );
        }
        for name in ["Content-Length", "transfer-encoding"] {
            assert_eq!(
                render("GET", "x", "/", &[(name, "1")], None),
                Err(RenderError::Framing(name.into()))
            );
        }
    }

    #[test]
    fn only_the_request_line_is_rendered_again_if_the_rest_is_known() {
        let headers = [("A", "b")];
        let request = |target| render("POST", "x", target, &headers, Some(b"hi\nho"));
        let mut bytes = Vec::new();
        let first = request("/").unwrap();
        render_line_into(&mut bytes, "POST", "/a?b=c", rest(&first)).unwrap();
        assert_eq!(Ok(&bytes), request("/a?b=c").as_ref());
        let hostile = render_line_into(&mut bytes, "POST", "/a\r\nX: y", rest(&first));
        assert_eq!(hostile, Err(RenderError::Target));
    }
}
