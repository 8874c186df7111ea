//! A deployment that could not be loaded: what happened, and what to do, by what stands behind it.

use crate::measurement::{Arm, UnreachableCause};
use crate::report::text::{Text, text, untrusted, untrusted_message};
use crate::report::view::View;

/// What happened, as the end of a sentence.
pub(super) fn what(view: &View, arm: Arm, cause: UnreachableCause, why: &str) -> Text {
    let says_all = matches!(
        cause,
        UnreachableCause::ClientCertificate
            | UnreachableCause::PlainHttp
            | UnreachableCause::ExpectsTls
            | UnreachableCause::TlsClosed
            | UnreachableCause::NoHttp2
            | UnreachableCause::Http2Only
    );
    let why = (!says_all).then(|| text!(" ({})", untrusted_message(why)));
    let what = match cause {
        UnreachableCause::Unknown
        | UnreachableCause::NoResponse
        | UnreachableCause::ServerEnded
        | UnreachableCause::ServerNotReady => "did not respond",
        UnreachableCause::UnknownIssuer
        | UnreachableCause::CertificateExpired
        | UnreachableCause::CertificateNotYetValid
        | UnreachableCause::CertificateName
        | UnreachableCause::CertificateVersion
        | UnreachableCause::CertificateUnusable => "cannot be trusted",
        UnreachableCause::ClientCertificate => {
            "requires a client certificate, which is not supported"
        }
        UnreachableCause::PlainHttp => "responds in plain HTTP",
        UnreachableCause::ExpectsTls => "expects TLS",
        UnreachableCause::NotTls => "does not speak TLS",
        UnreachableCause::TlsVersion => "does not support TLS 1.2 or 1.3",
        UnreachableCause::TlsCipher => "supports no common cipher suite",
        UnreachableCause::TlsClosed => "closed the connection during the TLS handshake",
        UnreachableCause::NotHttp => "does not speak HTTP",
        UnreachableCause::NoHttp2 => "does not speak HTTP/2",
        UnreachableCause::Http2Only => "speaks HTTP/2 and not HTTP/1.1",
        UnreachableCause::BrokenResponse | UnreachableCause::BodyTooLong => {
            "sent a response that cannot be read"
        }
        UnreachableCause::UnendingBody => "sent a response that did not end",
        UnreachableCause::Unavailable | UnreachableCause::NotReady => "is not available",
        UnreachableCause::Proxy
        | UnreachableCause::ProxyResponse
        | UnreachableCause::ProxyCredentials
        | UnreachableCause::ProxyRefused => "cannot be reached",
        UnreachableCause::NotCheckedOut
        | UnreachableCause::NotBuilt
        | UnreachableCause::ServerNotStarted
        | UnreachableCause::PortTaken => "was not started",
    };
    text!("{} {}{}", deployment(view, arm), what, why)
}

/// What to do about it.
pub(super) fn remedy_in(view: &View, arm: Arm, cause: UnreachableCause) -> Text {
    let deployment = match (arm, &view.record.base) {
        (Arm::Base, Some(base)) => base,
        (Arm::Base, None) | (Arm::Target, _) => &view.record.target,
    };
    let address = other_scheme(&deployment.url).map(|url| untrusted(&url));
    match (cause, address) {
        (UnreachableCause::PlainHttp | UnreachableCause::ExpectsTls, Some(address)) => {
            text!("use {}", address)
        }
        (cause, _) => remedy(cause, arm).into(),
    }
}

/// What to do about a deployment that cannot be loaded, by what stands behind it.
pub fn remedy(cause: UnreachableCause, arm: Arm) -> String {
    let (command, log) = match arm {
        Arm::Target => ("--target-cmd", "target.log"),
        Arm::Base => ("--base-cmd", "base.log"),
    };
    match cause {
        UnreachableCause::Unknown => {
            "start it or correct its address; --wait 60s gives it time to start"
        }
        UnreachableCause::NoResponse => {
            "find out what it waits for, or raise defaults.timeout in scenario.yml"
        }
        UnreachableCause::UnknownIssuer => {
            "pass the certificate, or that of its issuer, with --ca FILE; --insecure skips verification"
        }
        UnreachableCause::CertificateExpired | UnreachableCause::CertificateUnusable => {
            "replace the certificate; --insecure skips verification"
        }
        UnreachableCause::CertificateNotYetValid => {
            "correct the clock of this machine, or replace the certificate; --insecure skips verification"
        }
        UnreachableCause::CertificateName => {
            "use a host name of the certificate, or replace the certificate; --insecure skips verification"
        }
        UnreachableCause::CertificateVersion => {
            "replace the certificate; `openssl req -x509 -addext subjectAltName=DNS:HOST` makes one of version 3"
        }
        UnreachableCause::ClientCertificate => "make it accept clients without a certificate",
        UnreachableCause::PlainHttp => "use an http:// address",
        UnreachableCause::ExpectsTls => "use an https:// address",
        UnreachableCause::NotTls => "correct the address; its port must be that of an HTTPS service",
        UnreachableCause::TlsVersion => "enable TLS 1.2 or 1.3 on the server",
        UnreachableCause::TlsCipher => {
            "enable TLS 1.3, or a TLS 1.2 cipher suite with ECDHE and AES-GCM or ChaCha20-Poly1305"
        }
        UnreachableCause::TlsClosed => {
            "look for the reason in the log of the server, which must accept TLS 1.2 or 1.3; if it is starting, --wait 60s gives it time"
        }
        UnreachableCause::NotHttp => "correct the address; its port must be that of an HTTP service",
        UnreachableCause::NoHttp2 => {
            "set `http: \"1.1\"` or `http: auto` under defaults in scenario.yml"
        }
        UnreachableCause::Http2Only => "set `http: \"2\"` under defaults in scenario.yml",
        UnreachableCause::BrokenResponse => "fix what the service or its gateway sends",
        UnreachableCause::BodyTooLong => {
            "request less in the step; a body that capture or expect reads may have at most 1 MiB"
        }
        UnreachableCause::UnendingBody => {
            "remove endless responses, such as event streams, from the scenario, or raise their timeout"
        }
        UnreachableCause::Unavailable => {
            "find out why its gateway has no service, or wait longer with --wait"
        }
        UnreachableCause::NotReady => {
            "make the path of --ready respond below 400, or wait longer with --wait"
        }
        UnreachableCause::Proxy => {
            "start the proxy, correct the variable that names it, or exempt the target with NO_PROXY"
        }
        UnreachableCause::ProxyResponse => {
            "make the variable name an HTTP proxy that reaches the target, or exempt the target with NO_PROXY"
        }
        UnreachableCause::ProxyCredentials => {
            "add credentials to the variable, as http://USER:PASSWORD@HOST:PORT, or exempt the target with NO_PROXY"
        }
        UnreachableCause::ProxyRefused => {
            "correct the user and the password in the variable, or exempt the target with NO_PROXY"
        }
        UnreachableCause::NotCheckedOut => {
            "set regression.base.revision in thresholds.yml to a revision of this clone"
        }
        UnreachableCause::NotBuilt => {
            return format!("fix the command in regression.base.build of thresholds.yml ({log} has its output)");
        }
        UnreachableCause::ServerNotStarted => return format!("correct the command in {command}"),
        UnreachableCause::ServerEnded => {
            return format!(
                "fix the command in {command}; it must serve on 127.0.0.1:$LOADGATE_PORT until it is stopped ({log} has its output)"
            );
        }
        UnreachableCause::ServerNotReady => {
            return format!(
                "make the command in {command} serve on 127.0.0.1:$LOADGATE_PORT, and any path of --ready respond below 400; --wait gives it more time"
            );
        }
        UnreachableCause::PortTaken => "stop the process that uses the port, then run it again",
    }
    .to_owned()
}

/// The same address with the other scheme, and with the port that it had.
fn other_scheme(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (other, port) = match scheme {
        "https" => ("http", 443),
        "http" => ("https", 80),
        _ => return None,
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let after_host = authority.rsplit(']').next().unwrap_or_default();
    let port = (!after_host.contains(':')).then(|| format!(":{port}"));
    let port = port.unwrap_or_default();
    Some(format!("{other}://{authority}{port}{path}"))
}

/// One of the deployments, with its address.
pub(super) fn deployment(view: &View, arm: Arm) -> Text {
    match (arm, &view.record.base) {
        (Arm::Base, Some(base)) => text!("the base {}", untrusted(&base.url)),
        (Arm::Base, None) => text!("the base"),
        (Arm::Target, _) => text!("the target {}", untrusted(&view.record.target.url)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_scheme_keeps_the_port_that_responded() {
        for (url, other) in [
            ("https://a.b", Some("http://a.b:443")),
            ("https://a.b/c/d", Some("http://a.b:443/c/d")),
            ("http://a.b:8443/c", Some("https://a.b:8443/c")),
            ("http://[::1]/c", Some("https://[::1]:80/c")),
            ("https://[::1]:1", Some("http://[::1]:1")),
            ("a.b", None),
        ] {
            assert_eq!(other_scheme(url).as_deref(), other, "{url}");
        }
    }
}
