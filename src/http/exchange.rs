//! One request and its answer, no more of it and no longer than the limits allow.

use std::io::Read as _;
use std::time::Instant;

use chrono::DateTime;
use reqwest::blocking::{Client as Http, Request, Response};
use reqwest::header::{CONTENT_TYPE, DATE, RETRY_AFTER};

use super::{Answer, HttpLimits};

/// What came of a request on its thread, without secrets being hidden yet.
pub(super) enum Exchange {
    Answer(Answer),
    Failed(reqwest::Error),
    Broken(std::io::Error),
    Late,
    TooLarge,
}

/// Sends a request and reads the answer.
pub(super) fn exchange(http: &Http, request: Request, limits: HttpLimits) -> Exchange {
    let begun = Instant::now();
    let mut response = match http.execute(request) {
        Ok(response) => response,
        Err(error) => return Exchange::Failed(error),
    };
    let status = response.status().as_u16();
    let media_type = header(&response, CONTENT_TYPE);
    let retry_after = retry_after(&header(&response, RETRY_AFTER), &header(&response, DATE));
    let mut body = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        // The library's own limit begins again with each read.
        if begun.elapsed() > limits.whole {
            return Exchange::Late;
        }
        let read = match response.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Exchange::Broken(error),
        };
        if (body.len() + read) as u64 > limits.body {
            return Exchange::TooLarge;
        }
        if let Err(error) = body.try_reserve(read) {
            return Exchange::Broken(std::io::Error::other(error));
        }
        body.extend_from_slice(&piece[..read]);
    }
    Exchange::Answer(Answer {
        status,
        media_type,
        retry_after,
        body,
    })
}

/// The seconds that a server asks to wait, in either form that it may take (RFC 9110, section 10.2.3); a moment counts
/// from the server's own clock.
fn retry_after(text: &str, date: &str) -> Option<u64> {
    let moment = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let until = || u64::try_from((moment(text)? - moment(date)?).num_seconds()).ok();
    text.trim().parse().ok().or_else(until)
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_moment() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after("120", ""), Some(120));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:07 GMT", date), Some(30));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:07 GMT", date), None);
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:07 GMT", ""), None);
        assert_eq!(retry_after("soon", date), None);
        assert_eq!(retry_after("", ""), None);
    }
}
