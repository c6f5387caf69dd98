//! Carries events of OpenLineage to where they go, one after the other, on a thread of its own.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::settings::{HttpTransport, Transport};
use crate::outward::{Mask, escape_json};
use crate::report::screen::Screen;

/// So many events in a row that do not get to a place are the last that are tried there.
const FAILURES: u32 = 3;

/// Where events go, opened.
pub(super) struct Courier<'a> {
    /// Each with the number of events in a row that did not get there.
    transports: Vec<(OpenTransport<'a>, u32)>,
    /// What did not go well, each thing once.
    trouble: Vec<String>,
    sent: usize,
}

enum OpenTransport<'a> {
    Console(&'a Screen),
    File(&'a Path, bool),
    Http(Box<server::Server<'a>>),
}

impl<'a> Courier<'a> {
    /// Prepares to carry; what cannot be prepared is trouble.
    pub(super) fn new(
        transports: &'a [Transport],
        screen: &'a Screen,
        secrets: &[String],
        cancelled: &'a AtomicBool,
    ) -> Self {
        let mut courier = Self {
            transports: Vec::new(),
            trouble: Vec::new(),
            sent: 0,
        };
        for transport in transports {
            let opened = match transport {
                Transport::Console => Ok(OpenTransport::Console(screen)),
                Transport::File { path, append } => Ok(OpenTransport::File(path, *append)),
                Transport::Http(http) => server::Server::new(http, secrets, cancelled)
                    .map(Box::new)
                    .map(OpenTransport::Http),
            };
            match opened {
                Ok(opened) => courier.transports.push((opened, 0)),
                Err(why) => courier.note(why),
            }
        }
        courier
    }

    /// Carries one event to all places, secrets masked.
    pub(super) fn carry(&mut self, event: &Value, mask: &Mask) {
        let event = mask.hide_json(event);
        let text = escape_json(&event.to_string()).into_owned();
        self.sent += 1;
        let mut trouble = Vec::new();
        for (transport, failures) in self.transports.iter_mut().filter(|(_, failures)| *failures < FAILURES) {
            let carried = match transport {
                OpenTransport::Console(screen) => {
                    screen.print_json(&event);
                    Ok(())
                }
                OpenTransport::File(path, append) => write(path, *append, self.sent, &text)
                    .map_err(|error| format!("`{}` cannot be written: {error}", path.display())),
                OpenTransport::Http(server) => server.send(&text),
            };
            *failures = if carried.is_ok() { 0 } else { *failures + 1 };
            trouble.extend(carried.err());
        }
        for why in trouble {
            self.note(why);
        }
    }

    fn note(&mut self, why: String) {
        if !self.trouble.contains(&why) {
            self.trouble.push(why);
        }
    }

    /// What did not go well.
    pub(super) fn trouble(self) -> Vec<String> {
        self.trouble
    }
}

/// Writes a line to a file, or a file of its own beside it.
fn write(path: &Path, append: bool, number: usize, text: &str) -> io::Result<()> {
    let line = format!("{text}\n");
    if append {
        return File::options()
            .create(true)
            .append(true)
            .open(path)?
            .write_all(line.as_bytes());
    }
    let time = chrono::DateTime::<chrono::Utc>::from(crate::engine::clock::now()).format("%Y%m%d-%H%M%S.%6f");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (process, name) = (std::process::id(), format!("{name}-{time}"));
    File::create_new(path.with_file_name(format!("{name}-{process}-{number}.json")))?.write_all(line.as_bytes())
}

#[cfg(feature = "forecasting")]
mod server {
    //! A server that takes events.

    use std::sync::atomic::AtomicBool;

    use reqwest::Method;
    use reqwest::header::CONTENT_TYPE;

    use super::HttpTransport;
    use crate::http::{HttpClient, HttpLimits, HttpSettings, Repeat};
    use crate::outward::without_credentials;

    /// Most bytes of an answer, of which nothing is needed.
    const BODY: u64 = 1 << 20;
    /// A receiver knows an event by its run and time, so a second one does no harm.
    const REPEAT: Repeat = Repeat::Times(2);

    pub(super) struct Server<'a> {
        client: HttpClient<'a>,
        key: Option<&'a str>,
    }

    impl<'a> Server<'a> {
        pub(super) fn new(
            http: &'a HttpTransport,
            secrets: &[String],
            cancelled: &'a AtomicBool,
        ) -> Result<Self, String> {
            let settings = HttpSettings {
                limits: HttpLimits {
                    connect: http.timeout,
                    first_byte: http.timeout,
                    whole: http.timeout,
                    body: BODY,
                },
                certificates: http.certificates.clone(),
                any_certificate: !http.verify,
                secrets: secrets.iter().chain(&http.key).cloned().collect(),
            };
            let client = HttpClient::new(&http.address, &settings, cancelled)
                .map_err(|error| without_credentials(&error.to_string()).into_owned())?;
            let key = http.key.as_deref();
            Ok(Self { client, key })
        }

        pub(super) fn send(&self, text: &str) -> Result<(), String> {
            let request = self
                .client
                .request(Method::POST, self.client.address().clone())
                .header(CONTENT_TYPE, "application/json")
                .body(text.to_owned());
            let request = match self.key {
                Some(key) => request.bearer_auth(key),
                None => request,
            };
            let answer = self.client.send(request, REPEAT).map_err(|error| error.to_string())?;
            match answer.status {
                200..=299 => Ok(()),
                status => Err(format!("`{}` answered with {status}", self.client.origin())),
            }
        }
    }
}

#[cfg(not(feature = "forecasting"))]
mod server {
    //! Without the built-in tasks there is no client either.

    use std::convert::Infallible;
    use std::marker::PhantomData;
    use std::sync::atomic::AtomicBool;

    use super::HttpTransport;

    pub(super) struct Server<'a>(Infallible, PhantomData<&'a ()>);

    impl<'a> Server<'a> {
        pub(super) fn new(http: &'a HttpTransport, _: &[String], _: &'a AtomicBool) -> Result<Self, String> {
            let HttpTransport {
                address,
                key: _,
                timeout: _,
                verify: _,
                certificates: _,
            } = http;
            let address = crate::outward::without_credentials(address);
            Err(format!(
                "this atsaf was built without its HTTP client, and sends nothing to `{address}`"
            ))
        }

        pub(super) fn send(&self, _: &str) -> Result<(), String> {
            match self.0 {}
        }
    }
}
