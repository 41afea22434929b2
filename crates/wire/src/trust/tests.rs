//! Two ends over a pipe in memory: who is taken for whom.

use super::accept::{Acceptor, Presented};
use super::dial::{Access, TrustError, connector};
use super::pinned::PinnedAuthority;
use super::{Authority, CERTIFICATE_LIFE, Credential, MASTER_NAME, WorkerCertificate};
use crate::trust::credential::public_key;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Builder;
use windlass_core::WorkerName;
use windlass_core::tokens::{Role, SECRET_BYTES, TokenId, TokenText};

fn authority() -> Arc<Authority> {
    Arc::new(Authority::make(SystemTime::now()).expect("is made").0)
}

fn token(of: &Authority) -> Access {
    let authority = of.fingerprint();
    let (role, id, secret) = (Role::Client, TokenId(7), [1; SECRET_BYTES]);
    Access::Token(TokenText { role, id, secret, authority })
}

/// As the names of hosts may not be.
fn name() -> WorkerName {
    WorkerName("A.b_c-1".to_owned())
}

/// A worker's certificate, given at a time.
fn worker(of: &Authority, at: SystemTime) -> WorkerCertificate {
    let key_pem = WorkerCertificate::new_key().expect("a key");
    let public = public_key(&key_pem).expect("it was just made");
    let token = TokenId(0xab);
    let worker = name();
    let certificate_pem = of.enrol(&public, token, &worker, at).expect("is signed");
    let authority = of.fingerprint();
    let (renew_at_s, ends_at_s) = (0, 0);
    WorkerCertificate { worker, authority, token, key_pem, certificate_pem, renew_at_s, ends_at_s }
}

/// What each end makes of the other one.
fn met(master: &Arc<Authority>, access: &Access) -> (Option<Presented>, Option<TrustError>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let acceptor = Acceptor::new(Arc::clone(master), Vec::new()).expect("a certificate");
    let connector = connector(access).expect("a configuration").expect("not plain");
    runtime.block_on(async {
        let (near, far) = tokio::io::duplex(64 << 10);
        let name = ServerName::try_from(MASTER_NAME).expect("a name");
        let dialled = async {
            let dialled = connector.connect(name, near).await;
            dialled.map_err(|error| TrustError::of(&error).expect("a word about the peer"))
        };
        let (accepted, dialled) = tokio::join!(acceptor.accept(far), dialled);
        (accepted.ok().map(|(_, presented)| presented), dialled.err())
    })
}

#[test]
fn a_master_is_known_by_the_authority_in_the_token() {
    let ours = authority();
    assert_eq!(met(&ours, &token(&ours)), (Some(Presented::Nothing), None));
    let (_, distrust) = met(&authority(), &token(&ours));
    assert_eq!(distrust, Some(TrustError::OtherMaster));
}

#[test]
fn a_worker_is_known_by_the_name_and_the_token_in_its_certificate() {
    let ours = authority();
    let credential = Credential::new(worker(&ours, SystemTime::now())).expect("is whole");
    let (presented, distrust) = met(&ours, &Access::Worker(credential));
    assert_eq!((presented, distrust), (Some(Presented::Worker(TokenId(0xab), name())), None));
}

#[test]
fn a_certificate_of_another_authority_is_refused_although_its_holder_trusts_this_one() {
    let ours = authority();
    let mut kept = worker(&authority(), SystemTime::now());
    kept.authority = ours.fingerprint();
    let credential = Credential::new(kept).expect("is whole");
    let (presented, _) = met(&ours, &Access::Worker(credential));
    assert!(matches!(presented, Some(Presented::Refused(_))), "{presented:?}");
}

#[test]
fn a_certificate_that_has_ended_or_not_begun_is_refused_with_a_word_about_clocks() {
    let ours = authority();
    let now = SystemTime::now();
    let day = CERTIFICATE_LIFE + Duration::from_secs(60);
    for at in [now - day, now + Duration::from_secs(7_200)] {
        let credential = Credential::new(worker(&ours, at)).expect("is whole");
        let (presented, _) = met(&ours, &Access::Worker(credential));
        let Some(Presented::Refused(why)) = presented else { panic!("{presented:?}") };
        assert!(why.contains("clock"), "{why}");
    }
}

#[test]
fn a_worker_cannot_stand_in_for_a_master() {
    let ours = authority();
    let certificate = worker(&ours, SystemTime::now()).certificate_pem;
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
    let verifier = PinnedAuthority { fingerprint: ours.fingerprint() };
    let chain = [ours.certificate().clone()];
    let name = ServerName::try_from(MASTER_NAME).expect("a name");
    let judged = verifier.verify_server_cert(&certificate, &chain, &name, &[], UnixTime::now());
    assert!(judged.is_err(), "its certificate is for clients");
}

#[test]
fn an_authority_comes_back_from_its_files_and_not_with_the_key_of_another() {
    let (made, pem) = Authority::make(SystemTime::now()).expect("is made");
    let read = Arc::new(Authority::read(&pem).expect("comes back"));
    assert_eq!(read.fingerprint(), made.fingerprint());
    let credential = Credential::new(worker(&read, SystemTime::now())).expect("is whole");
    let (presented, _) = met(&Arc::new(made), &Access::Worker(credential));
    assert_eq!(presented, Some(Presented::Worker(TokenId(0xab), name())));
    let (_, other) = Authority::make(SystemTime::now()).expect("is made");
    let key_at = |pem: &str| pem.find("-----BEGIN PRIVATE").expect("a key");
    let (certificate, key) = (&pem[..key_at(&pem)], &other[key_at(&other)..]);
    assert!(Authority::read(&format!("{certificate}{key}")).is_err());
    assert!(Authority::read(certificate).is_err());
    assert!(Authority::read("no PEM").is_err());
}

#[test]
fn only_a_point_of_the_curve_is_signed() {
    let ours = authority();
    for key in [&[][..], &[4; 64], &[3; 65]] {
        assert!(ours.enrol(key, TokenId(1), &name(), SystemTime::now()).is_err());
    }
}

#[test]
fn what_is_shown_of_a_credential_has_no_key_in_it() {
    let kept = worker(&authority(), SystemTime::now());
    let shown = format!("{kept:?} {:?}", Credential::new(kept.clone()).expect("is whole"));
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
