//! A model's folder as an operation in this process gets it.

use crate::LoopError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use windlass_core::BlobId;
use windlass_core::model::ModelRef;
use windlass_ops::Model;
use windlass_ops::models::{FILES, Pack};

/// A model that tasks work with.
#[derive(Debug)]
pub(crate) struct OpenModel {
    pub(crate) asked: ModelRef,
    file: File,
}

impl OpenModel {
    /// Of a model's folder, packed into a file without a name.
    pub(crate) fn of(folder: &Path) -> Result<OpenModel, LoopError> {
        let failed = |act| move |source| LoopError::File { act, path: folder.to_owned(), source };
        let read = |name: &&str| Some(((*name).to_owned(), std::fs::read(folder.join(name)).ok()?));
        let pack = Pack::of(&FILES.iter().filter_map(read).collect::<BTreeMap<_, _>>());
        let path = std::env::temp_dir().join(format!("op-loop-{}.model", std::process::id()));
        let opened = File::options().read(true).write(true).create_new(true).open(&path);
        let mut file = opened.map_err(failed("pack"))?;
        std::fs::remove_file(&path).map_err(failed("pack"))?;
        file.write_all(pack.bytes()).map_err(failed("pack"))?;
        let size = pack.bytes().len() as u64;
        let asked = ModelRef { name: "model".to_owned(), id: BlobId::of(pack.bytes()), size };
        Ok(OpenModel { asked, file })
    }

    /// One more handle for a task.
    pub(crate) fn handle(&self) -> Result<Model, LoopError> {
        let cloned = self.file.try_clone();
        let file = cloned.map_err(|source| LoopError::File {
            act: "open model",
            path: self.asked.name.clone().into(),
            source,
        })?;
        Ok(Model { asked: self.asked.clone(), file })
    }
}
