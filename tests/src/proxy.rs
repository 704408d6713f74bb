//! A proxy on loopback that makes tunnels and counts them, and a place that hands out credentials.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a proxy answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// It makes every tunnel that somebody with the right password asks for.
    Open,
    /// It makes none.
    Closed,
}

/// A running proxy. Its user is `me`, and its password `open-sesame`.
pub struct Proxy {
    address: String,
    tunnels: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// What no output may have.
    pub const PASSWORD: &'static str = "open-sesame";

    /// `me:open-sesame`, as a request has it.
    const AUTHORIZATION: &'static str = "Basic bWU6b3Blbi1zZXNhbWU=";

    /// Starts one.
    ///
    /// # Panics
    /// When there is no port left.
    pub fn start(manners: Manners) -> Self {
        let tunnels = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&tunnels);
        let address = serve(move |stream, head| {
            let mut words = head.split_whitespace();
            let (method, host) = (words.next(), words.next().unwrap_or_default().to_owned());
            let is_known = head.contains(Self::AUTHORIZATION);
            let answer = match manners {
                _ if method != Some("CONNECT") => "501 Not Implemented",
                Manners::Open if is_known => {
                    noted.lock().expect("nobody panics").push(host.clone());
                    return tunnel(stream, &host);
                }
                Manners::Open => "407 Proxy Authentication Required",
                Manners::Closed => "403 Forbidden",
            };
            say(&stream, &format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n"));
        });
        Self { address, tunnels }
    }

    /// Its address, as a variable names it.
    pub fn url(&self) -> String {
        format!("http://me:{}@{}", Self::PASSWORD, self.address)
    }

    /// The hosts that tunnels were made to, in order.
    ///
    /// # Panics
    /// When a thread of it has.
    pub fn tunnels(&self) -> Vec<String> {
        self.tunnels.lock().expect("nobody panics").clone()
    }
}

/// Hands out the lab's keys as a container's agent does, after it has failed so often. Gives where.
pub fn credentials_after(failures: usize) -> String {
    let asked = AtomicUsize::new(0);
    let keys = r#"{"AccessKeyId":"lab","SecretAccessKey":"lab","Token":"lab","Expiration":"2090-01-01T00:00:00Z"}"#;
    let address = serve(move |stream, _| {
        let (status, body) = match asked.fetch_add(1, Ordering::Relaxed) {
            before if before < failures => ("503 Service Unavailable", ""),
            _ => ("200 OK", keys),
        };
        let length = body.len();
        say(&stream, &format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}"));
    });
    format!("http://{address}/credentials")
}

/// Answers each connection once, by its first request.
fn serve(answer: impl Fn(TcpStream, &str) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let Ok(reading) = stream.try_clone() else { return };
                // A byte at a time: what follows the head is not for us.
                let mut lines = BufReader::with_capacity(1, reading);
                let mut head = String::new();
                while lines.read_line(&mut head).is_ok_and(|length| length > 2) {}
                answer(stream, &head);
            });
        }
    });
    address
}

fn tunnel(client: TcpStream, host: &str) {
    let Ok(server) = TcpStream::connect(host) else { return };
    say(&client, "HTTP/1.1 200 Connection established\r\n\r\n");
    let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let back = thread::spawn(move || pass(from_server, client));
    pass(from_client, server);
    drop(back.join());
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}

/// Whoever has hung up hears nothing.
fn say(mut stream: &TcpStream, text: &str) {
    drop(stream.write_all(text.as_bytes()));
}
