//! A campaign at a tenth of the size, and shorter.

use super::{CampaignPlan, run_campaign};

/// Twelve days at full capacity.
const PLAN: CampaignPlan = CampaignPlan {
    devices: 14_400,
    capacity_per_day: 1_200,
};

#[test]
fn no_day_is_over_its_capacity_and_none_with_a_backlog_is_left_unused() {
    let campaign = run_campaign(1, &PLAN).expect("nobody is refused");
    assert_eq!(campaign.broken(), None);
    assert!(campaign.max_released_on_a_day <= 1_200, "{campaign:?}");
    assert!(
        campaign.min_utilisation_with_backlog >= 0.999,
        "{campaign:?}"
    );
    let full = campaign.days.iter().filter(|day| day.had_backlog);
    assert!(full.count() >= 10, "{campaign:?}");
    assert!(campaign.days.len() <= 14, "{campaign:?}");
    assert!(campaign.jain >= 0.99, "{campaign:?}");
    assert!(campaign.trt_attainment >= 0.999, "{campaign:?}");
}

#[test]
fn a_day_over_its_capacity_and_one_left_unused_are_seen() {
    let small = CampaignPlan {
        devices: 1_000,
        capacity_per_day: 240,
    };
    let campaign = run_campaign(5, &small).expect("nobody is refused");
    let mut over = campaign.clone();
    over.days[1].released[0] += 241;
    assert!(over.broken().is_some());
    let mut unused = campaign;
    unused.min_utilisation_with_backlog = 0.99;
    assert!(unused.broken().is_some());
}

#[test]
fn every_device_comes_to_its_end_and_the_days_add_up() {
    let campaign = run_campaign(2, &PLAN).expect("nobody is refused");
    for (nth, user) in campaign.users.iter().enumerate() {
        assert_eq!(user.succeeded + user.failed, user.devices, "{user:?}");
        assert!(user.releases >= user.devices, "{user:?}");
        let of_days: u32 = campaign.days.iter().map(|day| day.released[nth]).sum();
        assert!(of_days <= user.releases, "what was given back is no unit");
    }
    let ahead: u32 = campaign.users.iter().map(|user| user.lent).sum();
    assert!(ahead > 0, "capacity that nobody had a use for was lent");
    let agreed = campaign.users.iter().filter(|user| user.agreed > 0);
    assert_eq!(agreed.count(), 4);
}

#[test]
fn a_seed_gives_the_same_campaign_each_time_and_another_seed_another() {
    let small = CampaignPlan {
        devices: 1_000,
        capacity_per_day: 240,
    };
    let campaign = run_campaign(3, &small);
    assert_eq!(campaign, run_campaign(3, &small));
    let other = run_campaign(4, &small).expect("nobody is refused");
    assert_ne!(
        campaign.expect("nobody is refused").trace_hash,
        other.trace_hash
    );
}
