//! The Devices that the inventory or an activation names. Others name them by their places in this list, which are their numbers.

use dco_block::{Eui64, FirmwareVersion};

use super::Why;
use super::columns::{numbers, u32s};
use crate::read::as_usize;
use crate::record::Model;
use crate::state::inventory::{ABSENT, Inventory, Known};

/// In the order in which they were first named; up to format 2 in that of their EUI-64s.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Devices {
    /// Eight octets each.
    #[prost(bytes = "vec", tag = "1")]
    devices: Vec<u8>,
    /// Places of those that are not in the inventory: only activations name them.
    #[prost(uint32, repeated, tag = "2")]
    absent: Vec<u32>,
    /// For each Device in the inventory, what is known of it: a place in the columns that follow, four octets each.
    #[prost(bytes = "vec", tag = "3")]
    kinds: Vec<u8>,
    /// What is or was known of Devices, each once, by its number.
    #[prost(fixed64, repeated, tag = "4")]
    users: Vec<u64>,
    #[prost(fixed64, repeated, tag = "5")]
    gateways: Vec<u64>,
    /// Places in `models`.
    #[prost(uint32, repeated, tag = "6")]
    models_of: Vec<u32>,
    #[prost(uint32, repeated, tag = "7")]
    hardware_versions: Vec<u32>,
    #[prost(uint32, repeated, tag = "8")]
    firmware_versions: Vec<u32>,
    /// Device Models, in the order in which they first came.
    #[prost(message, repeated, tag = "9")]
    models: Vec<Model>,
}

/// What the list says of each of its Devices.
pub(super) struct KnownDevices {
    /// Each with what is known of it: a place in `gateways`, or [`ABSENT`].
    pub(super) devices: Vec<(Eui64, u32)>,
    gateways: Vec<Eui64>,
    users: Vec<Eui64>,
}

impl KnownDevices {
    /// Whether this is known of a Device: that it is registered to this User.
    pub(super) fn is_of(&self, kind: u32, user: Eui64) -> bool {
        self.users.get(as_usize(kind)) == Some(&user)
    }

    /// Where what waits for a Device waits of which this is known: at no gateway, when the inventory does not know it.
    pub(super) fn gateway_of(&self, kind: u32) -> Eui64 {
        let gateway = self.gateways.get(as_usize(kind));
        gateway.copied().unwrap_or(Eui64::from_bits(0))
    }
}

impl Devices {
    /// All of this state, by their numbers.
    pub(super) fn of(inventory: &Inventory) -> Self {
        let (devices, kinds, known, models) = inventory.kept();
        let mut columns = Self {
            devices: devices
                .iter()
                .flat_map(|it| it.bits().to_le_bytes())
                .collect(),
            models: models.to_vec(),
            ..Self::default()
        };
        for (number, kind) in (0..).zip(kinds) {
            match *kind {
                ABSENT => columns.absent.push(number),
                kind => columns.kinds.extend(kind.to_le_bytes()),
            }
        }
        for known in known {
            columns.push_known(*known);
        }
        columns
    }

    fn push_known(&mut self, known: Known) {
        let Known {
            user,
            gateway,
            model,
            hardware_version,
            firmware_version,
        } = known;
        self.users.push(user.bits());
        self.gateways.push(gateway.bits());
        self.models_of.push(model);
        self.hardware_versions.push(hardware_version.into());
        self.firmware_versions.push(firmware_version.get());
    }

    pub(super) fn load(self) -> Result<(Inventory, KnownDevices), Why> {
        let devices = numbers(&self.devices)?.iter().copied();
        let devices = devices.map(u64::from_le_bytes).map(Eui64::from_bits);
        let mut kinds: Vec<u32> = u32s(&self.kinds)?.collect();
        let (len, absent) = (devices.len(), &self.absent);
        if kinds.len() + absent.len() != len {
            return Err("its Devices have columns of different lengths");
        }
        if u32::try_from(len).is_err() {
            return Err("it has more Devices than can be counted");
        }
        let last_absent = absent.last().is_none_or(|last| as_usize(*last) < len);
        if !last_absent || !absent.is_sorted_by(|one, next| one < next) {
            return Err("its Devices that are not in the inventory are not in order");
        }
        let known = self.known()?;
        let unknown = |kind: &u32| as_usize(*kind) >= known.len();
        if kinds.iter().any(unknown) {
            return Err("a Device is of no kind");
        }
        for place in absent {
            kinds.insert(as_usize(*place), ABSENT);
        }
        let listed = KnownDevices {
            devices: devices.zip(kinds).collect(),
            gateways: known.iter().map(|known| known.gateway).collect(),
            users: known.iter().map(|known| known.user).collect(),
        };
        let inventory = Inventory::resume(&listed.devices, known, self.models);
        let inventory = inventory
            .ok_or("a Device, or what is known of Devices, is told twice, or of no model")?;
        Ok((inventory, listed))
    }

    fn known(&self) -> Result<Vec<Known>, Why> {
        let lens = [
            self.gateways.len(),
            self.models_of.len(),
            self.hardware_versions.len(),
            self.firmware_versions.len(),
        ];
        if lens != [self.users.len(); 4] {
            return Err("what is known of Devices has columns of different lengths");
        }
        let known = |at: usize| {
            let hardware_version = u16::try_from(self.hardware_versions[at]);
            Ok(Known {
                user: Eui64::from_bits(self.users[at]),
                gateway: Eui64::from_bits(self.gateways[at]),
                model: self.models_of[at],
                hardware_version: hardware_version.map_err(|_| "a hardware version is too high")?,
                firmware_version: FirmwareVersion::new(self.firmware_versions[at]),
            })
        };
        (0..self.users.len()).map(known).collect()
    }
}
