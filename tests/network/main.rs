//! The real services of a master and the real client of a session, over a network that is made for
//! the test: its time is a number, and what happens to its messages is the test's to say.

mod cluster;
mod named;
mod sessions;
