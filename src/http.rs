//! The one client for every server that atsaf asks: the EIA API, an MLflow server, a receiver of lineage.
//!
//! It knows nothing of what is asked. It ends in time, however slow a server is, and within moments of being cancelled;
//! it reads no more than it may; secrets go to the server that was named and to no other, by no redirect and no
//! `Referer`, and no error holds one.
//!
//! ```text
//! request ─▶ exchange (a thread of its own, limits) ─▶ status and body, or a fault
//!    ▲                                                      │
//!    └── again, after a pause, where the caller allows it ◀─┘
//! ```

mod error;
mod exchange;
mod hidden;
mod redirect;

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::blocking::{Client as Http, ClientBuilder, Request, RequestBuilder};
use reqwest::{Certificate, Method, Url};

pub(crate) use self::error::{HttpError, HttpFault};
use self::exchange::{Exchange, exchange};
use self::hidden::Hidden;
use crate::aside::{AsideError, aside};

/// Most bytes of a file of certificates.
const CERTIFICATES: u64 = 16 << 20;
/// The pause before the first repetition; it doubles each time.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a request may take, and how much may come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpLimits {
    /// To reach the server.
    pub(crate) connect: Duration,
    /// For the request to be sent and the answer to begin; also the longest silence within the answer.
    pub(crate) first_byte: Duration,
    /// For the whole answer.
    pub(crate) whole: Duration,
    /// Bytes of the answer, unpacked.
    pub(crate) body: u64,
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub(crate) struct HttpSettings {
    /// Time and size.
    pub(crate) limits: HttpLimits,
    /// A file of certificates in PEM that are believed in place of the system's.
    pub(crate) certificates: Option<PathBuf>,
    /// Whether any certificate is believed, as where a server has one that it made itself.
    pub(crate) any_certificate: bool,
    /// What no message may hold.
    pub(crate) secrets: Vec<String>,
}

/// How often a request is sent again after a fault that may pass. Only one that does no more the second time may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It may have been done, although no answer came.
    Never,
    /// So many times.
    Times(u32),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The media type, as the server says.
    pub(crate) media_type: String,
    /// How long the server asks to wait, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// The body, unpacked.
    pub(crate) body: Vec<u8>,
}

/// A proxy of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyInUse {
    /// Its address, with stars for its password.
    pub(crate) address: String,
    /// Whether it can read what passes.
    pub(crate) reads: bool,
}

/// A client of one server.
pub(crate) struct HttpClient<'a> {
    http: Http,
    address: Url,
    limits: HttpLimits,
    hidden: Hidden,
    cancelled: &'a AtomicBool,
}

impl<'a> HttpClient<'a> {
    /// Prepares to ask the server at `address`, until `cancelled` is set.
    ///
    /// # Errors
    /// [`HttpError`] if that is no address, or this machine cannot make such connections.
    pub(crate) fn new(address: &str, settings: &HttpSettings, cancelled: &'a AtomicBool) -> Result<Self, HttpError> {
        // The process has one provider of cryptography; that another part of it was first is no fault.
        static PROVIDER: Once = Once::new();
        let hidden = Hidden::new(&settings.secrets);
        let at_once = |why: String| HttpError {
            request: hidden.hide(address),
            fault: HttpFault::Address { why: hidden.hide(&why) },
        };
        let address: Url = address.parse().map_err(|error| at_once(format!("{error}")))?;
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let http = Http::builder()
            .user_agent(concat!("atsaf/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.limits.connect)
            .timeout(settings.limits.first_byte)
            .redirect(redirect::within_origin())
            .referer(false)
            .tls_danger_accept_invalid_certs(settings.any_certificate);
        let http = match &settings.certificates {
            Some(file) => believing(http, file).map_err(|why| HttpError {
                request: hidden.hide(&origin(&address)),
                fault: HttpFault::Certificates {
                    file: file.display().to_string(),
                    why,
                },
            })?,
            None => http,
        };
        // What a proxy would get of a request to this machine, it would get unencrypted.
        let http = if is_here(&address) { http.no_proxy() } else { http };
        let http = http.build().map_err(|error| HttpError {
            request: hidden.hide(&origin(&address)),
            fault: error::fault_of(&error, &hidden, settings.limits),
        })?;
        Ok(Self {
            http,
            address,
            limits: settings.limits,
            hidden,
            cancelled,
        })
    }

    /// The address that was named.
    pub(crate) fn address(&self) -> &Url {
        &self.address
    }

    /// Scheme, host and port of it, without a secret that may stand there.
    pub(crate) fn origin(&self) -> String {
        self.hide(&origin(&self.address))
    }

    /// Whether the server is on this machine, which a request reaches over no network.
    pub(crate) fn is_here(&self) -> bool {
        is_here(&self.address)
    }

    /// A text without the secrets.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.hidden.hide(text)
    }

    /// The proxy that the environment names for these requests.
    pub(crate) fn proxy(&self) -> Option<ProxyInUse> {
        if self.is_here() {
            return None;
        }
        // The library asks the same of the same variables.
        let found = Matcher::from_system().intercept(&self.address.as_str().parse().ok()?)?;
        let has_name = found.basic_auth().is_some() || found.raw_auth().is_some();
        let address = format!(
            "{}://{}{}{}",
            found.uri().scheme_str().unwrap_or("http"),
            if has_name { "***@" } else { "" },
            found.uri().host().unwrap_or_default(),
            found
                .uri()
                .port_u16()
                .map_or_else(String::new, |port| format!(":{port}")),
        );
        Some(ProxyInUse {
            address: self.hide(&address),
            reads: self.address.scheme() != "https",
        })
    }

    /// Begins a request.
    pub(crate) fn request(&self, method: Method, address: Url) -> RequestBuilder {
        self.http.request(method, address)
    }

    /// Sends a request, and again as often as `repeat` says if what went wrong may pass.
    ///
    /// # Errors
    /// [`HttpError`] if no whole answer came; an answer of any status is none.
    pub(crate) fn send(&self, request: RequestBuilder, repeat: Repeat) -> Result<Answer, HttpError> {
        let request = request.build().map_err(|error| HttpError {
            request: self.origin(),
            fault: error::fault_of(&error, &self.hidden, self.limits),
        })?;
        let name = self.name_of(&request);
        let failed = |fault| HttpError {
            request: name.clone(),
            fault,
        };
        let mut left = match repeat {
            Repeat::Never => 0,
            Repeat::Times(times) => times,
        };
        let mut pause = PAUSE;
        loop {
            let again = request.try_clone().filter(|_| left > 0);
            let Some(this) = again else {
                return self.once(request).map_err(failed);
            };
            let asked_for = match self.once(this) {
                Ok(answer) if !may_pass(answer.status) => return Ok(answer),
                Ok(answer) => answer.retry_after.map(Duration::from_secs),
                Err(fault) if fault.may_pass_soon() => None,
                Err(fault) => return Err(failed(fault)),
            };
            self.pause(asked_for.unwrap_or_default().max(jittered(pause)).min(LONGEST_PAUSE))
                .map_err(failed)?;
            left -= 1;
            pause *= 2;
        }
    }

    fn once(&self, request: Request) -> Result<Answer, HttpFault> {
        let (http, limits) = (self.http.clone(), self.limits);
        // A read from a server that drips cannot be told to stop: it is left behind.
        match aside(self.cancelled, move || exchange(&http, request, limits)) {
            Ok(Exchange::Answer(answer)) => Ok(answer),
            Ok(Exchange::Failed(error)) => Err(error::fault_of(&error, &self.hidden, limits)),
            Ok(Exchange::Broken(error)) => Err(error::fault_of_body(&error, &self.hidden, limits)),
            Ok(Exchange::Late) => Err(HttpFault::Timeout { limit: limits.whole }),
            Ok(Exchange::TooLarge) => Err(HttpFault::TooLarge { limit: limits.body }),
            Err(AsideError::Stopped) => Err(HttpFault::Stopped),
            Err(AsideError::NoThread(why)) => Err(HttpFault::Unreachable {
                why: format!("the system gives no thread to ask it: {why}"),
            }),
            Err(AsideError::Failed(why)) => Err(HttpFault::Unreachable { why: self.hide(&why) }),
        }
    }

    /// `POST http://host:5000/path`: without the query, which is where secrets stand.
    fn name_of(&self, request: &Request) -> String {
        let address = request.url();
        self.hide(&format!("{} {}{}", request.method(), origin(address), address.path()))
    }

    /// Waits, unless the attempt ends before.
    ///
    /// # Errors
    /// [`HttpFault::Stopped`] if so.
    pub(crate) fn pause(&self, pause: Duration) -> Result<(), HttpFault> {
        const LOOK: Duration = Duration::from_millis(20);
        let begun = Instant::now();
        while begun.elapsed() < pause {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(HttpFault::Stopped);
            }
            std::thread::sleep(LOOK.min(pause));
        }
        Ok(())
    }
}

/// Whether a server that answers so may answer better in a while.
pub(crate) fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// Between a half and the whole of a pause, so that those who failed together do not come back together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness, it is the whole pause.
    let part = getrandom::fill(&mut byte).map_or(1.0, |()| f64::from(byte[0]) / 255.0);
    pause.mul_f64(0.5 + part / 2.0)
}

/// A client that believes the certificates of a file and no others.
fn believing(http: ClientBuilder, file: &Path) -> Result<ClientBuilder, String> {
    let mut pem = Vec::new();
    File::open(file)
        .and_then(|file| file.take(CERTIFICATES).read_to_end(&mut pem))
        .map_err(|error| error.to_string())?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(http.tls_certs_only(found)),
        _ => Err("it holds no certificate in PEM".to_owned()),
    }
}

/// Scheme, host and port, without what else an address can hold.
fn origin(address: &Url) -> String {
    let port = address.port().map_or_else(String::new, |port| format!(":{port}"));
    format!(
        "{}://{}{port}",
        address.scheme(),
        address.host_str().unwrap_or_default()
    )
}

/// Whether an address is this machine's own.
fn is_here(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || number.parse().is_ok_and(|number: IpAddr| number.is_loopback())
}

#[cfg(test)]
mod tests;
