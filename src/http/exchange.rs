//! One request and its answer, no more of it and no longer than the limits allow.

use std::io::Read as _;
use std::time::Instant;

use reqwest::blocking::{Client as Http, Request, Response};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

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
    let retry_after = header(&response, RETRY_AFTER).parse().ok();
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

fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}
