//! A deployment that could not be loaded: what happened, and what to do, by what stands behind it.

use crate::measurement::{Arm, UnreachableCause};
use crate::report::text::{Text, text, untrusted, untrusted_message};
use crate::report::view::View;

/// What happened, as the end of a sentence.
pub(super) fn what(view: &View, arm: Arm, cause: UnreachableCause, why: &str) -> Text {
    let it = deployment(view, arm);
    let why = untrusted_message(why);
    match cause {
        UnreachableCause::Unknown
        | UnreachableCause::NoResponse
        | UnreachableCause::ServerEnded
        | UnreachableCause::ServerNotReady => {
            text!("{} did not answer ({})", it, why)
        }
        UnreachableCause::UnknownIssuer
        | UnreachableCause::CertificateExpired
        | UnreachableCause::CertificateNotYetValid
        | UnreachableCause::CertificateName
        | UnreachableCause::CertificateUnusable => text!("{} cannot be trusted ({})", it, why),
        UnreachableCause::ClientCertificate => text!("{} requires a client certificate", it),
        UnreachableCause::PlainHttp => text!("{} responds in plain HTTP", it),
        UnreachableCause::ExpectsTls => text!("{} expects TLS", it),
        UnreachableCause::NotTls => text!("{} does not speak TLS ({})", it, why),
        UnreachableCause::TlsVersion => {
            text!("{} speaks no supported version of TLS ({})", it, why)
        }
        UnreachableCause::TlsCipher => text!("{} agrees on no cipher suite ({})", it, why),
        UnreachableCause::NotHttp => text!("{} does not speak HTTP ({})", it, why),
        UnreachableCause::NoHttp2 => text!("{} does not speak HTTP/2", it),
        UnreachableCause::BrokenResponse | UnreachableCause::BodyTooLong => {
            text!("{} sends a response that cannot be read ({})", it, why)
        }
        UnreachableCause::UnendingBody => text!("{} sends a response without an end ({})", it, why),
        UnreachableCause::Unavailable | UnreachableCause::NotReady => {
            text!("{} is not available ({})", it, why)
        }
        UnreachableCause::Proxy
        | UnreachableCause::ProxyResponse
        | UnreachableCause::ProxyCredentials => {
            text!("{} cannot be reached ({})", it, why)
        }
        UnreachableCause::ServerNotStarted | UnreachableCause::PortTaken => {
            text!("{} was not started ({})", it, why)
        }
    }
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
        UnreachableCause::Unknown => "start it or correct its address; --wait 60s gives it time to come up",
        UnreachableCause::NoResponse => {
            "see what it waits for, or raise defaults.timeout in scenario.yml: it takes connections and does not respond in time"
        }
        UnreachableCause::UnknownIssuer => {
            "give the certificate, or that of the authority that issued it, by --ca FILE; --insecure leaves certificates unchecked"
        }
        UnreachableCause::CertificateExpired | UnreachableCause::CertificateUnusable => {
            "replace the certificate; --insecure leaves certificates unchecked"
        }
        UnreachableCause::CertificateNotYetValid => {
            "set the clock of this machine, or replace the certificate; --insecure leaves certificates unchecked"
        }
        UnreachableCause::CertificateName => {
            "use a host name that the certificate holds, or replace the certificate; --insecure leaves certificates unchecked"
        }
        UnreachableCause::ClientCertificate => {
            "let it accept clients without a certificate: client certificates are not supported"
        }
        UnreachableCause::PlainHttp => "use an http:// address",
        UnreachableCause::ExpectsTls => "use an https:// address",
        UnreachableCause::NotTls => {
            "correct the address: see that its port is that of an HTTPS service"
        }
        UnreachableCause::TlsVersion => "let it accept TLS 1.2 or 1.3: older versions are not supported",
        UnreachableCause::TlsCipher => {
            "let it accept TLS 1.3, or a cipher suite of TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305"
        }
        UnreachableCause::NotHttp => "correct the address: see that its port is that of an HTTP service",
        UnreachableCause::NoHttp2 => "write `http: \"1.1\"` or `http: auto` below defaults in scenario.yml",
        UnreachableCause::BrokenResponse => {
            "correct what the service or a gateway before it sends: it responds, and its response breaks HTTP"
        }
        UnreachableCause::BodyTooLong => {
            "let the step request less: a body that captures or expect read may have 1 MiB"
        }
        UnreachableCause::UnendingBody => {
            "leave responses that never end, such as event streams, out of the scenario, or raise their timeout"
        }
        UnreachableCause::Unavailable => {
            "find out why there is no service behind its gateway, or wait longer by --wait"
        }
        UnreachableCause::NotReady => {
            "see that the path of --ready responds below 400, or wait longer by --wait"
        }
        UnreachableCause::Proxy => {
            "start the proxy or correct the variable that names it, or except the target by NO_PROXY"
        }
        UnreachableCause::ProxyResponse => {
            "see that the variable names an HTTP proxy and that it reaches the target, or except the target by NO_PROXY"
        }
        UnreachableCause::ProxyCredentials => {
            "write them into the variable, as http://USER:PASSWORD@HOST:PORT, or except the target by NO_PROXY"
        }
        UnreachableCause::ServerNotStarted => return format!("correct the command after {command}"),
        UnreachableCause::ServerEnded => {
            return format!(
                "mend the command after {command}, which must serve on 127.0.0.1:$LOADGATE_PORT until it is stopped; {log} has what it printed"
            );
        }
        UnreachableCause::ServerNotReady => {
            return format!(
                "see that the command after {command} serves on 127.0.0.1:$LOADGATE_PORT and that what --ready names, where it is given, answers below 400; a longer --wait gives it more time"
            );
        }
        UnreachableCause::PortTaken => "end the process that listens there, and run it again",
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
    let port = if after_host.contains(':') {
        String::new()
    } else {
        format!(":{port}")
    };
    Some(format!("{other}://{authority}{port}{path}"))
}

/// One of the deployments, with its address.
fn deployment(view: &View, arm: Arm) -> Text {
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
