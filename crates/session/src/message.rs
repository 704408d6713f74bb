//! One message as bytes: a header of 116 bytes, the length of the payload, the payload. Numbers have
//! their highest byte first.

use sha2::{Digest, Sha256};

/// Where the fields begin.
const KIND: usize = 4;
const SCHEMA: usize = 36;
const CREATED: usize = 40;
const SEQUENCE: usize = 48;
const FLAGS: usize = 56;
const ID: usize = 64;
const DIGEST: usize = 80;
const PAYLOAD_KIND: usize = 112;
const LENGTH: usize = 116;
const PAYLOAD: usize = 120;

/// The version of this layout.
const VERSION: u32 = 1;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// When it was made, in milliseconds since the beginning of 1970.
    pub(crate) created: u64,
    /// Its place among those of its kind that are in order, from 0.
    pub(crate) sequence: i64,
    pub(crate) flags: u64,
    pub(crate) id: Id,
    pub(crate) payload_kind: PayloadKind,
    pub(crate) payload: Vec<u8>,
}

/// What a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To the task.
    Input,
    /// From the task.
    Output,
    /// One has arrived.
    Acknowledge,
    /// The session has ended.
    ChannelClosed,
    /// Go on sending.
    StartPublication,
    /// Send nothing for now.
    PausePublication,
    /// One that this version does not know.
    Other(String),
}

/// The kinds by their names.
const KINDS: [(&str, Kind); 6] = [
    ("input_stream_data", Kind::Input),
    ("output_stream_data", Kind::Output),
    ("acknowledge", Kind::Acknowledge),
    ("channel_closed", Kind::ChannelClosed),
    ("start_publication", Kind::StartPublication),
    ("pause_publication", Kind::PausePublication),
];

impl Kind {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => KINDS.iter().find(|(_, kind)| kind == known).map_or("", |(name, _)| name),
        }
    }

    fn of(name: &str) -> Self {
        let known = KINDS.iter().find(|(known, _)| *known == name);
        known.map_or_else(|| Self::Other(name.to_owned()), |(_, kind)| kind.clone())
    }
}

/// What the payload of a message is, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PayloadKind(pub(crate) u32);

impl PayloadKind {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const OUTPUT: Self = Self(1);
    pub(crate) const SIZE: Self = Self(3);
    pub(crate) const HANDSHAKE_REQUEST: Self = Self(5);
    pub(crate) const HANDSHAKE_RESPONSE: Self = Self(6);
    pub(crate) const HANDSHAKE_COMPLETE: Self = Self(7);
    pub(crate) const CHALLENGE: Self = Self(8);
    pub(crate) const FLAG: Self = Self(10);
    pub(crate) const ERRORS: Self = Self(11);
}

/// What distinguishes a message from all others: a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) [u8; 16]);

impl Id {
    /// One that no other message has (RFC 9562, version 4).
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// The same with its halves in the other order, as they are sent.
    fn swapped(self) -> Self {
        let mut bytes = self.0;
        bytes.rotate_left(8);
        Self(bytes)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if [4, 6, 8, 10].contains(&place) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end within it.
    #[error("it ends too soon")]
    Short,
    /// Its lengths do not fit each other.
    #[error("its length is wrong")]
    Length,
    /// The payload is not what the sender has sent.
    #[error("its payload is damaged")]
    Digest,
}

impl Message {
    /// The message as it is sent.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut name = [b' '; SCHEMA - KIND];
        let letters = self.kind.name().as_bytes();
        let length = letters.len().min(name.len());
        name[..length].copy_from_slice(&letters[..length]);
        let header = u32::try_from(LENGTH).unwrap_or_default();
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(PAYLOAD + self.payload.len());
        bytes.extend(header.to_be_bytes());
        bytes.extend(name);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(self.created.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend(self.id.swapped().0);
        bytes.extend(Sha256::digest(&self.payload));
        bytes.extend(self.payload_kind.0.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads a message, whatever the bytes are.
    ///
    /// # Errors
    /// When they are none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let name = bytes.get(KIND..SCHEMA).ok_or(Malformed::Short)?;
        let name = String::from_utf8_lossy(name);
        let name = name.trim_matches(['\0', ' ']);
        // A later layout may have a longer header.
        let header = usize::try_from(u32::from_be_bytes(field(bytes, 0)?));
        let header = header.ok().filter(|it| *it >= LENGTH).ok_or(Malformed::Length)?;
        let start = header.checked_add(PAYLOAD - LENGTH).ok_or(Malformed::Length)?;
        let payload = bytes.get(start..).ok_or(Malformed::Short)?;
        let length = u32::from_be_bytes(field(bytes, header)?);
        if usize::try_from(length).ok() != Some(payload.len()) {
            return Err(Malformed::Length);
        }
        let digest: [u8; PAYLOAD_KIND - DIGEST] = field(bytes, DIGEST)?;
        if !payload.is_empty() && Sha256::digest(payload)[..] != digest {
            return Err(Malformed::Digest);
        }
        Ok(Self {
            kind: Kind::of(name),
            created: u64::from_be_bytes(field(bytes, CREATED)?),
            sequence: i64::from_be_bytes(field(bytes, SEQUENCE)?),
            flags: u64::from_be_bytes(field(bytes, FLAGS)?),
            id: Id(field(bytes, ID)?).swapped(),
            payload_kind: PayloadKind(u32::from_be_bytes(field(bytes, PAYLOAD_KIND)?)),
            payload: payload.to_vec(),
        })
    }
}

/// So many bytes from a place on.
fn field<const SIZE: usize>(bytes: &[u8], from: usize) -> Result<[u8; SIZE], Malformed> {
    let rest = bytes.get(from..).ok_or(Malformed::Short)?;
    rest.first_chunk().copied().ok_or(Malformed::Short)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(payload: &[u8]) -> Message {
        Message {
            kind: Kind::Input,
            created: 1_700_000_000_000,
            sequence: 7,
            flags: 1,
            id: Id(std::array::from_fn(|place| u8::try_from(place).unwrap())),
            payload_kind: PayloadKind::OUTPUT,
            payload: payload.to_vec(),
        }
    }

    #[test]
    fn a_message_is_laid_out_as_awss_own_client_does_it() {
        let bytes = message(b"ls\r").encode();
        assert_eq!(bytes[..4], [0, 0, 0, 116]);
        assert_eq!(&bytes[4..36], b"input_stream_data               ");
        assert_eq!(bytes[36..40], [0, 0, 0, 1]);
        assert_eq!(bytes[48..56], [0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(bytes[64..80], [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(bytes[80..112], Sha256::digest(b"ls\r")[..]);
        assert_eq!(bytes[112..], [0, 0, 0, 1, 0, 0, 0, 3, b'l', b's', b'\r']);
        assert_eq!(message(b"").id.to_string(), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }

    #[test]
    fn what_is_damaged_is_no_message() {
        let bytes = message(b"ls").encode();
        for end in 0..bytes.len() {
            assert!(Message::decode(&bytes[..end]).is_err(), "{end}");
        }
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(Message::decode(&damaged), Err(Malformed::Digest));
        let longer = [bytes, vec![0]].concat();
        assert_eq!(Message::decode(&longer), Err(Malformed::Length));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_arrives(payload: Vec<u8>, sequence: i64, flags: u64, created: u64) {
            let sent = Message { created, sequence, flags, ..message(&payload) };
            prop_assert_eq!(Message::decode(&sent.encode()), Ok(sent));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, header in 0_u32..300) {
            let _ = Message::decode(&bytes);
            let mut long = [header.to_be_bytes().to_vec(), bytes].concat();
            long.resize(260, 0);
            let _ = Message::decode(&long);
        }
    }
}
