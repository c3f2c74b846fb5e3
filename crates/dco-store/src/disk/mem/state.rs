use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use super::inode::{Fate, Inode, Unsynced, position};
use crate::codec::len_u64;

/// Everything behind the lock of a [`super::MemDisk`].
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    names_durable: BTreeMap<String, u64>,
    names_unsynced: Vec<NameChange>,
    pub(super) operations: u64,
    pub(super) syncs: u64,
    pub(super) power_off_at: Option<u64>,
    pub(super) sync_fails_at: Option<u64>,
    pub(super) bytes_max: Option<u64>,
    pub(super) is_off: bool,
}

/// What one operation does to the names, at once or not at all.
#[derive(Debug, Clone)]
struct NameChange {
    leaves: Option<String>,
    enters: Option<(String, u64)>,
}

impl State {
    /// Runs an operation that changes the disk, unless the power is off or goes now.
    pub(super) fn change(
        &mut self,
        operation: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.powered()?;
        let power_goes = self.count_operation();
        operation(self)?;
        if power_goes {
            self.is_off = true;
        }
        self.powered()
    }

    /// Runs a sync, telling it whether it works.
    pub(super) fn sync(
        &mut self,
        sync: impl FnOnce(&mut Self, bool) -> io::Result<()>,
    ) -> io::Result<()> {
        self.powered()?;
        if self.count_operation() {
            self.is_off = true;
            return self.powered();
        }
        let works = self.sync_fails_at != Some(self.syncs);
        self.syncs += 1;
        sync(self, works)?;
        if works {
            Ok(())
        } else {
            Err(io::Error::other("the disk could not write"))
        }
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        self.powered()?;
        Ok(self.names.keys().cloned().collect())
    }

    pub(super) fn len(&self, name: &str) -> io::Result<u64> {
        self.powered()?;
        Ok(len_u64(&self.inodes[&self.find(name)?].visible))
    }

    pub(super) fn read_at(&self, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.powered()?;
        let file = &self.inodes[&self.find(name)?].visible;
        let from = position(offset);
        let Some(bytes) = file.get(from..from + out.len()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        out.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn create(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.room_for(bytes)?;
        let id = self.inodes.last_key_value().map_or(0, |(id, _)| id + 1);
        let mut inode = Inode::default();
        inode.set_len(bytes);
        self.inodes.insert(id, inode);
        self.rename_as(NameChange {
            leaves: None,
            enters: Some((name.to_owned(), id)),
        });
        Ok(())
    }

    pub(super) fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let id = self.find(name)?;
        let len = len_u64(&self.inodes[&id].visible);
        self.room_for((offset + len_u64(bytes)).saturating_sub(len))?;
        self.inode(id).write_at(offset, bytes);
        Ok(())
    }

    pub(super) fn set_len(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        let id = self.find(name)?;
        let len = len_u64(&self.inodes[&id].visible);
        self.room_for(bytes.saturating_sub(len))?;
        self.inode(id).set_len(bytes);
        Ok(())
    }

    pub(super) fn sync_data(&mut self, name: &str, works: bool) -> io::Result<()> {
        let id = self.find(name)?;
        self.inode(id).sync(works);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let id = self.find(from)?;
        self.rename_as(NameChange {
            leaves: Some(from.to_owned()),
            enters: Some((to.to_owned(), id)),
        });
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.find(name)?;
        self.rename_as(NameChange {
            leaves: Some(name.to_owned()),
            enters: None,
        });
        Ok(())
    }

    /// Names that could not be synced stay to be synced: file systems journal them.
    pub(super) fn sync_folder(&mut self, works: bool) {
        if works {
            self.names_unsynced.clear();
            self.names_durable.clone_from(&self.names);
        }
    }

    pub(super) fn room_bytes(&self) -> io::Result<u64> {
        self.powered()?;
        let Some(max) = self.bytes_max else {
            return Ok(u64::MAX);
        };
        let linked: BTreeSet<_> = self.names.values().collect();
        let used: u64 = linked
            .iter()
            .map(|id| len_u64(&self.inodes[*id].visible))
            .sum();
        Ok(max.saturating_sub(used))
    }

    pub(super) fn flip_bit(&mut self, name: &str, offset: u64, bit: u8) {
        let id = self
            .find(name)
            .expect("the test names a file that is there");
        self.inode(id).flip_bit(offset, bit);
    }

    pub(super) fn survivor(&self, mut fate: impl FnMut(&Unsynced<'_>) -> Fate) -> Self {
        let mut names = self.names_durable.clone();
        for change in &self.names_unsynced {
            if fate(&Unsynced::Name {
                file: change.name(),
            }) != Fate::Kept
            {
                break;
            }
            change.apply_to(&mut names);
        }
        let inodes = names
            .iter()
            .map(|(name, id)| (*id, self.inodes[id].survivor(name, &mut fate)))
            .collect();
        Self {
            inodes,
            names_durable: names.clone(),
            names,
            ..Self::default()
        }
    }

    pub(super) fn without_faults(&self) -> Self {
        Self {
            power_off_at: None,
            sync_fails_at: None,
            bytes_max: None,
            is_off: false,
            ..self.clone()
        }
    }

    fn count_operation(&mut self) -> bool {
        let power_goes = self.power_off_at == Some(self.operations);
        self.operations += 1;
        power_goes
    }

    fn powered(&self) -> io::Result<()> {
        if self.is_off {
            Err(io::Error::other("the power is off"))
        } else {
            Ok(())
        }
    }

    fn find(&self, name: &str) -> io::Result<u64> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn inode(&mut self, id: u64) -> &mut Inode {
        self.inodes
            .get_mut(&id)
            .expect("every name leads to an inode, which is never dropped")
    }

    fn room_for(&self, more: u64) -> io::Result<()> {
        if more > 0 && more > self.room_bytes()? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn rename_as(&mut self, change: NameChange) {
        change.apply_to(&mut self.names);
        self.names_unsynced.push(change);
    }
}

impl NameChange {
    fn apply_to(&self, names: &mut BTreeMap<String, u64>) {
        if let Some(name) = &self.leaves {
            names.remove(name);
        }
        if let Some((name, id)) = &self.enters {
            names.insert(name.clone(), *id);
        }
    }

    fn name(&self) -> &str {
        let entering = self.enters.as_ref().map(|(name, _)| name);
        entering.or(self.leaves.as_ref()).map_or("", String::as_str)
    }
}
