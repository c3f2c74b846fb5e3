//! How much memory this process has.

use std::io;

/// Octets of it that are resident, as Linux tells.
#[expect(
    clippy::disallowed_methods,
    reason = "the one file that is read here is the kernel's account of this process"
)]
pub(crate) fn resident_bytes() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    parse(&status).ok_or_else(|| io::Error::other("/proc/self/status does not tell VmRSS"))
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_some() {
        assert!(resident_bytes().unwrap() > 100_000);
    }

    #[test]
    fn what_the_kernel_tells_is_read() {
        assert_eq!(parse("VmHWM:\t  9 kB\nVmRSS:\t  12 kB\n"), Some(12_288));
        assert_eq!(parse("VmHWM:\t  9 kB\n"), None);
    }
}
