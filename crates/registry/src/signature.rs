// SPDX-License-Identifier: Apache-2.0
//! Signatures of releases and indexes, in minisign's format.
//!
//! What is signed is always a text of ours, never what a store gave back. A release names its manifests
//! by digest, and these their files, so its signature vouches for all of them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A secret key without a password.
#[derive(Clone)]
pub struct SigningKey {
    secret: Arc<minisign::SecretKey>,
    public: PublicKey,
}

/// Whose signature is accepted.
#[derive(Clone, Debug)]
pub struct PublicKey(minisign_verify::PublicKey);

/// Not a key; what was given is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a minisign {kind} key: {reason}")]
pub struct KeyError {
    kind: &'static str,
    reason: String,
}

/// Bytes of a secret key: algorithms, salt and limits of the password, number, key, and checksum.
const SECRET_KEY: usize = 158;
/// Where its parts are: the algorithm that a password is hashed with, and the checksum.
const KDF: std::ops::Range<usize> = 2..4;
const CHECKSUM: std::ops::Range<usize> = 126..158;

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        const HELP: &str = "give the file that `minisign -G -W` writes, a key without a password";
        let failed = || KeyError { kind: "secret", reason: HELP.to_owned() };
        // The secret is one line after a comment, which may have got lost on its way.
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let bytes = aws_smithy_types::base64::decode(line).map_err(|_| failed())?;
        let part = |range| bytes.get(range).filter(|_| bytes.len() == SECRET_KEY).ok_or_else(failed);
        let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        if !is_zero(part(KDF)?) {
            return Err(failed());
        }
        // minisign itself leaves the checksum of a key without a password empty.
        let secret = if is_zero(part(CHECKSUM)?) {
            minisign::SecretKey::from_bytes(&bytes)
        } else {
            minisign::SecretKeyBox::from_string(&format!("untrusted comment:\n{line}\n"))
                .and_then(minisign::SecretKeyBox::into_unencrypted_secret_key)
        };
        let secret = secret.map_err(|_| failed())?;
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(|_| failed())?;
        let key = Self { secret: Arc::new(secret), public: public.to_base64().parse()? };
        // A damaged key would sign, and nobody could verify it.
        let signature = key.sign(b"").map_err(|_| failed())?;
        if key.signed(b"", &signature) { Ok(key) } else { Err(failed()) }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SigningKey {
    /// A signature; each is another one, also of equal texts.
    pub(crate) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let signed = minisign::sign(None, &self.secret, text, Some("published by vaccel-ci"), Some("vaccel-ci"));
        signed.map(|signature| signature.into_string().into_bytes()).map_err(|error| error.to_string())
    }

    /// Whether the text was signed by this key.
    pub(crate) fn signed(&self, text: &[u8], signature: &[u8]) -> bool {
        self.public.verify(text, signature).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let key = minisign_verify::PublicKey::from_base64(line);
        key.map(Self).map_err(|error| KeyError { kind: "public", reason: error.to_string() })
    }
}

/// Public keys, any of which fits: one a line, or separated by commas. Comments may stay in.
#[derive(Clone, Debug)]
pub struct PublicKeys(pub Vec<PublicKey>);

impl FromStr for PublicKeys {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("untrusted comment:"));
        let keys = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|key| !key.is_empty());
        let keys: Vec<PublicKey> = keys.map(str::parse).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(KeyError { kind: "public", reason: "there is none in it".to_owned() });
        }
        Ok(Self(keys))
    }
}

impl PublicKey {
    /// Whether this is the signature of the text; the reason if it is not.
    pub(crate) fn verify(&self, text: &[u8], signature: &[u8]) -> Result<(), String> {
        let signature = std::str::from_utf8(signature).map_err(|error| error.to_string())?;
        let signature = minisign_verify::Signature::decode(signature).map_err(|error| error.to_string())?;
        self.0.verify(text, &signature, false).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_fits_its_text_and_key_only() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let file = pair.sk.to_box(None).unwrap().into_string();
        let signing: SigningKey = file.parse().unwrap();
        let public: PublicKey = pair.pk.to_box().unwrap().into_string().parse().unwrap();
        let signature = signing.sign(b"text").unwrap();
        assert!(signing.signed(b"text", &signature) && !signing.signed(b"other", &signature));
        public.verify(b"text", &signature).unwrap();
        assert!(public.verify(b"other", &signature).is_err());
        let other = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let other: PublicKey = other.pk.to_base64().parse().unwrap();
        assert!(other.verify(b"text", &signature).is_err());
        assert_eq!(format!("{signing:?}"), "***");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let locked = minisign::KeyPair::generate_encrypted_keypair(Some("password".to_owned())).unwrap();
        let locked = locked.sk.to_box(None).unwrap().into_string();
        for text in ["", "hunter2", &locked] {
            let error = text.parse::<SigningKey>().unwrap_err();
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
            assert!(text.parse::<PublicKey>().is_err());
        }
        insta::assert_snapshot!("hunter2".parse::<SigningKey>().unwrap_err(), @"it is not a minisign secret key: give the file that `minisign -G -W` writes, a key without a password");
    }
}
