//! Inputs to begin with, made of real values.

mod certificates;
mod wire;

use crate::samples::{GOLDEN_RECORDS, GOLDEN_SNAPSHOT, split_records};

/// One input of a target.
#[derive(Debug, Clone)]
pub struct Seed {
    /// A name in [`TARGETS`](crate::TARGETS).
    pub target: &'static str,
    /// The name of its file.
    pub name: String,
    /// What the target gets.
    pub bytes: Vec<u8>,
}

impl Seed {
    fn new(target: &'static str, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let (name, bytes) = (name.into(), bytes.into());
        Self {
            target,
            name,
            bytes,
        }
    }
}

/// All that is made here. What else is in `corpus/` was written by hand or found.
pub fn all() -> Vec<Seed> {
    let mut seeds = vec![
        Seed::new(
            "config",
            "example",
            *include_bytes!("../../dco.example.toml"),
        ),
        Seed::new("ledger", "charged_and_given_back", steps(&LEDGER)),
        Seed::new("fair_queue", "two_users_take_turns", steps(&FAIR_QUEUE)),
        Seed::new("engine", "sent_released_and_ended", steps(&SENT)),
        Seed::new("engine", "crashes_and_another_memory", steps(&CRASHES)),
        Seed::new("engine", "agreed_and_moved", steps(&AGREED)),
        Seed::new("snapshot", "golden", golden_snapshot()),
    ];
    seeds.extend(records());
    seeds.extend(stores());
    seeds.extend(certificates::all());
    seeds.extend(wire::all());
    seeds.extend(inventories());
    seeds.extend(products());
    seeds
}

const LEDGER: [[u8; 4]; 8] = [
    [0, 0, 0, 3],
    [2, 0, 0, 0],
    [2, 0, 1, 0],
    [4, 0, 2, 0],
    [2, 0, 0, 0],
    [5, 0, 1, 0],
    [6, 1, 0, 200],
    [0, 1, 0, 9],
];

const FAIR_QUEUE: [[u8; 4]; 10] = [
    [0, 0, 0, 1],
    [0, 1, 1, 2],
    [6, 0, 0, 3],
    [0, 0, 1, 0],
    [7, 0, 1, 9],
    [3, 0, 0, 0],
    [8, 1, 0, 255],
    [3, 0, 0, 7],
    [9, 0, 0, 1],
    [3, 0, 0, 1],
];

/// Both Users store an image and send it; gateways come; some attempts succeed, one fails and is tried again.
const SENT: [[u8; 4]; 13] = [
    [3, 0, 0x0F, 0],
    [3, 1, 0xF0, 0],
    [6, 0, 0, 3],
    [6, 1, 0, 3],
    [0, 0, 0x0F, 0],
    [0, 1, 0xF0, 0],
    [13, 4, 0, 0],
    [8, 0, 0, 0],
    [8, 1, 4, 0],
    [8, 2, 60, 1],
    [13, 5, 0, 0],
    [8, 0, 3, 0],
    [13, 6, 1, 0],
];

const CRASHES: [[u8; 4]; 11] = [
    [3, 0, 0x0F, 0],
    [6, 0, 0, 3],
    [0, 0, 0x0F, 0],
    [13, 4, 0, 0],
    [16, 0, 0, 0],
    [6, 2, 0xFF, 3],
    [15, 6, 0, 0],
    [12, 4, 0, 0],
    [13, 6, 0, 0],
    [12, 6, 0, 0],
    [16, 0, 0, 0],
];

const AGREED: [[u8; 4]; 10] = [
    [17, 12, 0, 0x9C],
    [17, 0, 2, 0x84],
    [17, 4, 5, 0x84],
    [3, 0, 0x0F, 0],
    [0, 0, 0x0F, 0],
    [17, 13, 0, 0x9C],
    [17, 40, 9, 0x24],
    [17, 2, 11, 1],
    [17, 10, 15, 2],
    [13, 6, 0, 0],
];

fn steps(steps: &[[u8; 4]]) -> Vec<u8> {
    steps.as_flattened().to_vec()
}

fn golden_snapshot() -> Vec<u8> {
    let records = split_records(GOLDEN_RECORDS).len();
    let seq = u32::try_from(records).expect("few").to_le_bytes();
    let body = GOLDEN_SNAPSHOT.len() - 4;
    [&seq, &GOLDEN_SNAPSHOT[..body]].concat()
}

/// Each kind of record once, after all that stands before it in the good journal.
fn records() -> Vec<Seed> {
    let golden = split_records(GOLDEN_RECORDS);
    let mut seen = Vec::new();
    let mut seeds = Vec::new();
    for (cut, record) in (0..=u8::MAX).zip(golden) {
        // The tag of what changed follows the time, which is a varint.
        let at = record.iter().skip(1).position(|octet| *octet < 0x80);
        let kind = at.and_then(|at| record.get(at + 2..at + 4));
        if kind.is_none_or(|kind| seen.contains(&kind)) {
            continue;
        }
        seen.extend(kind);
        let length = u32::try_from(record.len()).expect("short").to_le_bytes();
        let bytes = [&[cut], &length[..], record].concat();
        seeds.push(Seed::new("records", format!("after_{cut}"), bytes));
    }
    seeds
}

fn stores() -> Vec<Seed> {
    let changes: [(&str, [u8; 9]); 6] = [
        ("untouched", [0, 0, 4, 255, 255, 0, 0, 0, 0]),
        ("a_bit_of_a_block", [0, 0, 3, 0, 2, 0, 3, 0, 0]),
        ("a_bit_of_the_journal", [1, 4, 3, 0, 1, 0, 0, 0, 0]),
        ("a_torn_end", [1, 255, 4, 200, 0, 0, 0, 0, 0]),
        ("a_segment_gone", [2, 3, 5, 0, 0, 0, 0, 0, 0]),
        ("a_header_of_zeros", [0, 5, 0, 0, 0, 127, 0, 0, 0]),
    ];
    let seed = |(name, bytes): (&str, [u8; 9])| Seed::new("store", name, bytes);
    changes.map(seed).to_vec()
}

fn inventories() -> [Seed; 2] {
    let header = "device,user,gateway,manufacturer,model,hardware_version,firmware_version";
    let line = "00-DB-12-34-56-78-90-A0,90-B3-D5-1F-30-01-00-00,90-B3-D5-1F-30-00-10-00";
    let two = format!("\u{FEFF}{header}\r\n{line},\"Acme, Ltd\",E470,0003,00000001\r\n\r\n");
    let bad = format!("{header}\n{line},Acme,E470,3,1\n\n{line},,E470,0003,00000001\n");
    [
        Seed::new("inventory", "with_quotes", two),
        Seed::new("inventory", "bad_lines", bad),
    ]
}

fn products() -> [Seed; 3] {
    let hash = "0a".repeat(32);
    let header = "manufacturer,model,hardware_version_min,hardware_version_max,firmware_version,manufacturer_image_hash,status,upgrade_from";
    let good =
        format!("{header}\nMeters & Co,M-1,0100,01FF,0102000A,{hash},Active,01020008 01020009\n");
    let bad =
        format!("{good}Meters & Co,M-1,01FF,0200,0102000A,{hash},Active,\nM,N,2,1,3,4,Retired,5\n");
    let json = format!(
        r#"[{{"manufacturer":"M","model":"N","hardware_version_min":"0000","hardware_version_max":"FFFF","firmware_version":"00000001","manufacturer_image_hash":"{hash}","status":"Withdrawn","upgrade_from":["00000000"]}}]"#
    );
    [
        Seed::new("products", "two_pathways", good),
        Seed::new("products", "bad_lines", bad),
        Seed::new("products", "json", json),
    ]
}
