//! Workers of older systems: by what names they offer operations, and whose tasks are theirs.
//!
//! They are programs of another make. So they get only what came in by a call of their own system,
//! or what its user has said is for them too; an operation of theirs has a name of its own.

use crate::ledger::PhaseSpec;
use crate::params::Params;
use std::borrow::Cow;

/// The parameter that says whose workers may make the tasks of a phase.
pub const WORKERS_PARAM: &str = "workers";
/// Its value where those of older systems may, beside all others.
pub const OLDER_TOO: &str = "older";
/// The version of all that they do, for people.
pub const OLDER_VERSION: &str = "older/1";
/// What the name of an operation ends with where a worker of an older system offers it.
const MARK: &str = ".older";

/// The name under which a worker of an older system offers an operation.
#[must_use]
pub fn offered(operation: &str) -> String {
    format!("{operation}{MARK}")
}

/// The operation that a worker of an older system offers under a name; `None`: it is another one's.
#[must_use]
pub fn meant(offer: &str) -> Option<&str> {
    offer.strip_suffix(MARK)
}

/// Whether workers of older systems may make the tasks of a phase, beside all others. Those that
/// count words know one way of splitting a text.
#[must_use]
pub fn may_take(spec: &PhaseSpec) -> bool {
    let is_said = spec.params.text(WORKERS_PARAM) == Some(OLDER_TOO);
    is_said && (spec.operation != "word_count" || spec.params.text("tokens") == Some("ws"))
}

/// Parameters without the one that says whose workers may: no result depends on it.
#[must_use]
pub fn of_the_work(params: &Params) -> Cow<'_, Params> {
    if !params.0.contains_key(WORKERS_PARAM) {
        return Cow::Borrowed(params);
    }
    let mut params = params.clone();
    params.0.remove(WORKERS_PARAM);
    Cow::Owned(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(operation: &str, params: &[(&str, &str)]) -> PhaseSpec {
        let params = params.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        PhaseSpec { params: Params(params.collect()), ..PhaseSpec::plain(operation, 1) }
    }

    #[test]
    fn what_is_said_to_be_for_them_is_theirs() {
        let said = (WORKERS_PARAM, OLDER_TOO);
        assert!(may_take(&spec("image", &[said])));
        assert!(!may_take(&spec("image", &[])));
        assert!(!may_take(&spec("image", &[(WORKERS_PARAM, "own")])));
        assert!(may_take(&spec("word_count", &[said, ("tokens", "ws")])));
        assert!(!may_take(&spec("word_count", &[said, ("tokens", "alnum")])));
    }

    #[test]
    fn a_name_of_theirs_is_told_from_others() {
        assert_eq!(meant(&offered("image")), Some("image"));
        assert_eq!(meant("image"), None);
    }

    #[test]
    fn who_may_work_changes_no_result() {
        let params = spec("image", &[(WORKERS_PARAM, OLDER_TOO), ("width", "5")]).params;
        assert_eq!(*of_the_work(&params), spec("image", &[("width", "5")]).params);
        assert!(matches!(of_the_work(&Params::default()), Cow::Borrowed(_)));
    }
}
