//! The operator in the world: issues and revokes tokens, and somebody shows them.

use super::run::World;
use crate::client::Answered;
use crate::wire::{Happening, MasterEvent, MasterIndex};

/// He does something about this often.
const OPERATOR_US: u64 = 900_000;
/// Tokens are shown this often.
const SHOWING_US: u64 = 450_000;

impl World {
    /// He asks some master, one that reigns more often than not, and does not ask again.
    pub(super) fn ask_for_token(&mut self) {
        let pause_us = 1 + self.random.below(2 * OPERATOR_US);
        self.queue_in(pause_us, Happening::OperatorTokens);
        let reigning = self.reigning().map(|(index, _)| index);
        let any = MasterIndex(self.random.below(self.masters.len() as u64) as usize);
        let of = reigning.filter(|_| self.random.below(8) > 0).unwrap_or(any);
        let wall = self.masters[of.0].moment(self.now).wall;
        let (step, entry) = self.keyring.ask(wall, &mut self.random);
        let delay_us = 50 + self.random.below(5_000);
        let event = MasterEvent::Requested(step, entry);
        self.queue_in(delay_us, Happening::ToMaster(self.life_of(of), event));
    }

    pub(super) fn on_token_answer(&mut self, answer: &Answered) -> Result<(), String> {
        let told = self.keyring.on_answer(answer)?;
        told.into_iter().for_each(|what| self.tally.bite(what));
        Ok(())
    }

    /// All tokens are shown to whoever reigns, by the log's word.
    pub(super) fn show_tokens(&mut self) -> Result<(), String> {
        self.queue_in(SHOWING_US, Happening::TokensShown);
        let Some((index, process)) = self.reigning() else { return Ok(()) };
        let Some(tokens) = process.tokens() else { return Ok(()) };
        let wall = self.masters[index.0].moment(self.now).wall;
        let shown = self.keyring.show(tokens, wall)?;
        shown.into_iter().for_each(|what| self.tally.bite(what));
        Ok(())
    }
}
