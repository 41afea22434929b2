//! Record sets: files are read into shards, stored, and made known at once; rows are looked up
//! page by page.

use crate::cluster::{Cluster, ClusterError};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use thiserror::Error;
use windlass_blobs::BlobWriter;
use windlass_core::lookups::{LookupAnswer, LookupError, LookupRequest, RecordsView};
use windlass_core::records::{GroupAnswer, GroupName, Query, RecordSet, SetName, StoredShard};
use windlass_core::{BlobId, LoadId};
use windlass_master::MasterError;
use windlass_records::{LoadError, Loader, Report};

/// Why nothing is loaded.
#[derive(Debug, Error)]
pub enum RecordsError {
    /// The files.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// There are bad rows, and none were to be accepted.
    #[error("load {name}: --strict takes no bad rows, and there are some: {bad_row_count}")]
    Strict {
        /// The set.
        name: SetName,
        /// How many.
        bad_row_count: u64,
    },
    /// There is one of its name already, and it is not to be replaced.
    #[error(
        "load {0}: there is a record set of this name; --replace puts the new one in its place, \
         another name leaves it there"
    )]
    Exists(SetName),
    /// Not one row is good.
    #[error("load {0}: the files have no row that could be loaded")]
    NoRows(SetName),
    /// A shard cannot be kept while it is made.
    #[error("keep a shard of {name}: {source}; a temporary folder with more room: TMPDIR=DIR")]
    Scratch {
        /// The set.
        name: SetName,
        /// What the system said.
        source: io::Error,
    },
    /// The cluster.
    #[error("{0}")]
    Cluster(#[from] ClusterError),
}

/// What is to be loaded.
#[derive(Debug)]
pub struct Loading {
    /// The set.
    pub set: RecordSet,
    /// Its files, in this order.
    pub files: Vec<PathBuf>,
    /// Those of them that are read from here, from the beginning, and not by their paths.
    pub streams: BTreeMap<PathBuf, File>,
    /// Whether one bad row refuses all.
    pub is_strict: bool,
    /// Whether it takes the place of an earlier set of its name; see also [`check_new`].
    pub replaces: bool,
}

/// Where a shard is written: the store of this process, or a nameless file that is sent once its
/// hash is known.
enum Sink {
    Here(BufWriter<BlobWriter>),
    Sent(BufWriter<Hashing>),
}

struct Hashing {
    file: File,
    hasher: blake3::Hasher,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Here(writer) => writer.write(bytes),
            Sink::Sent(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Here(writer) => writer.flush(),
            Sink::Sent(writer) => writer.flush(),
        }
    }
}

/// Looks whether a record set of this name is there, before hours of reading. Whoever loads one
/// meanwhile, the ledger tells at the end.
///
/// # Errors
/// `Exists`, `Cluster`
pub fn check_new(cluster: &Cluster, name: &SetName) -> Result<(), RecordsError> {
    match cluster.records()?.iter().any(|view| view.set.name == *name) {
        true => Err(RecordsError::Exists(name.clone())),
        false => Ok(()),
    }
}

impl Loading {
    /// Reads the files, stores the shards and has the set recorded: it is there whole, or nothing
    /// of it is. What came of the rows is put into `report`, also where nothing is loaded.
    ///
    /// # Errors
    /// See [`RecordsError`].
    pub fn load(self, cluster: &Cluster, report: &mut Report) -> Result<LoadId, RecordsError> {
        let Loading { set, files, mut streams, is_strict, replaces } = self;
        let name = set.name.clone();
        let mut loader = Loader::new(&set, |_: &GroupName| sink(cluster))?;
        for path in &files {
            let opened = match streams.remove(path) {
                Some(mut stream) => stream.rewind().map(|()| stream),
                None => File::open(path),
            };
            let read = opened
                .map_err(|source| LoadError::Read { file: path.clone(), source })
                .and_then(|file| loader.load(path, None, file));
            if let Err(error) = read {
                report.clone_from(loader.report());
                return Err(error.into());
            }
        }
        let (shards, whole) = loader.finish()?;
        *report = whole;
        let bad_row_count = report.bad_row_count;
        if is_strict && bad_row_count > 0 {
            return Err(RecordsError::Strict { name, bad_row_count });
        }
        if report.row_count == 0 {
            return Err(RecordsError::NoRows(name));
        }
        let sinks = shards.into_iter().map(|shard| (shard.sink, shard.size, shard.row_count));
        let stored = store(cluster, &name, sinks.collect())?;
        Ok(cluster.load_records(set, stored, replaces)?)
    }
}

fn sink(cluster: &Cluster) -> io::Result<Sink> {
    match cluster {
        Cluster::Here { blobs, .. } => {
            blobs.writer().map(BufWriter::new).map(Sink::Here).map_err(io::Error::other)
        }
        Cluster::There(_) => {
            let hashing = Hashing { file: tempfile::tempfile()?, hasher: blake3::Hasher::new() };
            Ok(Sink::Sent(BufWriter::with_capacity(256 << 10, hashing)))
        }
    }
}

/// Makes the shards durable.
fn store(
    cluster: &Cluster,
    name: &SetName,
    shards: Vec<(Sink, u64, u64)>,
) -> Result<Vec<StoredShard>, RecordsError> {
    let scratch = |source| RecordsError::Scratch { name: name.clone(), source };
    let mut stored = Vec::with_capacity(shards.len());
    let mut to_send = Vec::new();
    for (sink, size, row_count) in shards {
        let blob = match sink {
            Sink::Here(writer) => {
                let writer = writer.into_inner().map_err(|error| scratch(error.into_error()))?;
                writer.finish().map_err(ClusterError::Blob)?.0
            }
            Sink::Sent(writer) => {
                let hashing = writer.into_inner().map_err(|error| scratch(error.into_error()))?;
                let Hashing { mut file, hasher } = hashing;
                file.rewind().map_err(scratch)?;
                let id = BlobId(*hasher.finalize().as_bytes());
                to_send.push((id, Ok(io::BufReader::new(file).take(size))));
                id
            }
        };
        stored.push(StoredShard { blob, size, row_count });
    }
    match cluster {
        Cluster::Here { blobs, .. } => blobs.sync().map_err(ClusterError::Blob)?,
        Cluster::There(client) => client.put(to_send).map_err(ClusterError::Wire)?,
    }
    Ok(stored)
}

/// What a query came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Looked {
    /// Rows that were handed over.
    pub row_count: u64,
    /// Groups of which nothing, or not all, came, and why.
    pub missing: Vec<(GroupName, String)>,
}

impl Cluster {
    /// Makes a record set of shards that are stored.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn load_records(
        &self,
        set: RecordSet,
        stored: Vec<StoredShard>,
        replaces: bool,
    ) -> Result<LoadId, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.load_records(set, stored, replaces)?,
            Cluster::There(client) => client.load_records(set, stored, replaces)?,
        })
    }

    /// Forgets a record set.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn drop_records(&self, name: &SetName) -> Result<(), ClusterError> {
        match self {
            Cluster::Here { handle, .. } => Ok(handle.drop_records(name.clone())?),
            Cluster::There(client) => Ok(client.drop_records(name)?),
        }
    }

    /// The record sets, by name, and who serves them.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn records(&self) -> Result<Vec<RecordsView>, ClusterError> {
        Ok(match self {
            Cluster::Here { handle, .. } => handle.records()?,
            Cluster::There(client) => client.records()?,
        })
    }

    /// One look-up.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn look_up(&self, request: LookupRequest) -> Result<LookupAnswer, ClusterError> {
        let handle = match self {
            Cluster::There(client) => {
                let (sender, mut answers) = client.open_lookups()?;
                // Where the stream is over already, the receiver says why.
                let _ = sender.ask(1, request);
                return answers.receive()?.1.map_err(ClusterError::Lookup);
            }
            Cluster::Here { handle, .. } => handle,
        };
        let (tell, told) = sync_channel(1);
        handle.look_up(request, Box::new(move |done| drop(tell.send(done))))?;
        match told.recv() {
            // The master has ended; it says why.
            Ok(Err(LookupError::Ended)) | Err(_) => {
                handle.reign()?;
                Err(MasterError::Ended("it dropped the look-up".to_owned()).into())
            }
            Ok(done) => done.map_err(|error| ClusterError::Lookup(error.to_string())),
        }
    }

    /// Hands over every row that meets a query, group after group, in the order of their files.
    ///
    /// # Errors
    /// See [`ClusterError`]; `Take` where `take` fails.
    pub fn query(
        &self,
        set: &SetName,
        query: &Query,
        limit_ms: Option<u64>,
        take: &mut dyn FnMut(&str) -> io::Result<()>,
    ) -> Result<Looked, ClusterError> {
        let (set, query) = (set.clone(), query.clone());
        let mut request = LookupRequest { set, query, load: None, group: None, skip: 0, limit_ms };
        let first = self.look_up(request.clone())?;
        request.load = Some(first.load);
        let mut looked = Looked::default();
        for (group, mut answer) in first.answer.parts {
            request.group = Some(group.clone());
            request.skip = 0;
            // Of large answers each look-up has the next rows.
            loop {
                let rows = match answer {
                    GroupAnswer::Missing(why) => {
                        looked.missing.push((group, why));
                        break;
                    }
                    GroupAnswer::Rows(rows) => rows,
                };
                for row in &rows.rows {
                    take(row).map_err(ClusterError::Take)?;
                }
                let count = rows.rows.len() as u64;
                looked.row_count += count;
                request.skip += count;
                if count == 0 || request.skip >= rows.total_count {
                    break;
                }
                let next = self.look_up(request.clone())?.answer.parts.into_iter().next();
                answer = next.map_or_else(
                    || GroupAnswer::Missing("it was not asked again".to_owned()),
                    |(_, answer)| answer,
                );
            }
        }
        Ok(looked)
    }
}
