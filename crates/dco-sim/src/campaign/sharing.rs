//! What is whose, by a fluid model that knows nothing of lines and turns.

/// One User's part in a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// What could go that day: sent for it, or left of the days before.
    pub(super) ready: u32,
    /// What might run ahead of its own day.
    pub(super) ahead: u32,
    /// What went.
    pub(super) released: u32,
}

/// Jain's index over what Users got of what was theirs: 1 when all got the same part of it. Users who had nothing that
/// could go are left out.
pub(super) fn jain(parts: &[Part]) -> f64 {
    let theirs = entitled(parts);
    let got: Vec<f64> = parts
        .iter()
        .zip(theirs)
        .filter(|(_, theirs)| *theirs > 0.0)
        .map(|(part, theirs)| f64::from(part.released) / theirs)
        .collect();
    let sum: f64 = got.iter().sum();
    let squares: f64 = got.iter().map(|it| it * it).sum();
    let count = u32::try_from(got.len()).map_or(f64::MAX, f64::from);
    if squares == 0.0 {
        return 1.0;
    }
    sum * sum / (count * squares)
}

/// Who is to have how much of what went: ready work first, by what each has sent for the day and what is left of the days
/// before; then what may run ahead, in equal parts.
fn entitled(parts: &[Part]) -> Vec<f64> {
    let all = parts.iter().map(|part| f64::from(part.released)).sum();
    let of = |amount: fn(&Part) -> u32| -> Vec<f64> {
        parts.iter().map(|part| f64::from(amount(part))).collect()
    };
    let (ready, ahead) = (of(|part| part.ready), of(|part| part.ahead));
    let first = filled(all, &ready, &ready);
    let rest = all - first.iter().sum::<f64>();
    let second = filled(rest, &ahead, &vec![1.0; parts.len()]);
    first
        .iter()
        .zip(second)
        .map(|(one, two)| one + two)
        .collect()
}

/// Weighted max-min: all are filled in step with their weights until each has what it wants or nothing is left.
fn filled(amount: f64, wants: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut has = vec![0.0; wants.len()];
    let mut left = amount;
    // Each round satisfies somebody or uses everything up.
    for _ in 0..=wants.len() {
        let open: Vec<usize> = (0..wants.len())
            .filter(|at| weights[*at] > 0.0 && wants[*at] - has[*at] > 1e-6)
            .collect();
        let weight: f64 = open.iter().map(|at| weights[*at]).sum();
        if open.is_empty() || left <= 1e-6 {
            break;
        }
        let level = left / weight;
        for at in open {
            let more = (level * weights[at]).min(wants[at] - has[at]);
            has[at] += more;
            left -= more;
        }
    }
    has
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(ready: u32, ahead: u32, released: u32) -> Part {
        Part {
            ready,
            ahead,
            released,
        }
    }

    #[test]
    fn who_wants_less_than_its_share_leaves_the_rest_to_others() {
        type Row<'a> = &'a [f64];
        let cases: [(f64, Row<'_>, Row<'_>, Row<'_>); 4] = [
            (
                90.0,
                &[100.0, 100.0, 10.0],
                &[1.0, 1.0, 1.0],
                &[40.0, 40.0, 10.0],
            ),
            (60.0, &[100.0, 100.0], &[2.0, 1.0], &[40.0, 20.0]),
            (500.0, &[100.0, 100.0], &[2.0, 1.0], &[100.0, 100.0]),
            (50.0, &[0.0, 100.0], &[0.0, 1.0], &[0.0, 50.0]),
        ];
        for (amount, wants, weights, expected) in cases {
            let has = filled(amount, wants, weights);
            let near = has.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3);
            assert!(near, "{has:?}, expected {expected:?}");
        }
    }

    #[test]
    fn an_even_day_has_index_one_and_one_that_serves_half_of_the_users_less() {
        let even = [part(200, 0, 100), part(100, 0, 50), part(0, 0, 0)];
        assert!((jain(&even) - 1.0).abs() < 1e-9);
        let ahead = [part(100, 50, 120), part(10, 50, 30)];
        assert!((jain(&ahead) - 1.0).abs() < 1e-9);
        let starved = [part(100, 0, 100), part(100, 0, 0)];
        assert!((jain(&starved) - 0.5).abs() < 1e-9);
        assert!((jain(&[]) - 1.0).abs() < 1e-9);
    }
}
