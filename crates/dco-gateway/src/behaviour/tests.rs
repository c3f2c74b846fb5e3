use super::*;
use crate::samples::device;

const HALF_GO_WRONG: Rates = Rates {
    already_at_version: 100,
    no_answer: 50,
    file_transfer_failure: 200,
    not_reachable: 25,
    hardware_mismatch: 25,
    image_discarded: 25,
    hash_mismatch: 25,
    no_image_held: 25,
    activation_failure: 25,
};

#[test]
fn the_same_attempt_is_dealt_the_same_and_another_seed_deals_otherwise() {
    let plans = |seed| {
        let behaviour = Behaviour::new(seed, HALF_GO_WRONG).unwrap();
        (0..1000)
            .map(|number| behaviour.plan(device(number), 1))
            .collect::<Vec<_>>()
    };
    assert_eq!(plans(1), plans(1));
    assert_ne!(plans(1), plans(2));
}

#[test]
fn each_fault_comes_at_about_its_rate() {
    let behaviour = Behaviour::new(7, HALF_GO_WRONG).unwrap();
    let faults: Vec<_> = (0..20_000)
        .map(|number| behaviour.plan(device(number), 1).fault)
        .collect();
    let per_thousand = |wanted: Option<Fault>| {
        faults.iter().filter(|fault| **fault == wanted).count() as f64 / 20.0
    };
    for (rate, fault) in HALF_GO_WRONG.dealt() {
        let actual = per_thousand(Some(fault));
        assert!(
            (actual - f64::from(rate)).abs() < 15.0,
            "{fault:?}: {actual} for {rate}"
        );
    }
    assert!((per_thousand(None) - 500.0).abs() < 15.0);
}

#[test]
fn another_attempt_has_another_chance() {
    let behaviour = Behaviour::new(1, HALF_GO_WRONG).unwrap();
    let unlucky = (0..)
        .map(device)
        .find(|device| behaviour.plan(*device, 1).fault.is_some());
    let fault = |attempt| behaviour.plan(unlucky.unwrap(), attempt).fault;
    assert!((2..50).any(|attempt| fault(attempt).is_none()));
}

#[test]
fn rates_over_a_thousand_are_refused() {
    let rates = Rates {
        no_answer: 600,
        hash_mismatch: 401,
        ..Rates::default()
    };
    assert_eq!(
        Behaviour::new(1, rates).unwrap_err(),
        RatesOverThousand { per_thousand: 1001 }
    );
    let rates = Rates {
        no_answer: 600,
        hash_mismatch: 400,
        ..Rates::default()
    };
    assert!(Behaviour::new(1, rates).is_ok());
}

#[test]
fn one_device_can_be_told_what_befalls_it() {
    let all_fail = Rates {
        no_answer: 1000,
        ..Rates::default()
    };
    let broken = Some(Fault::Meter(Defect::FailsActivation));
    let behaviour = Behaviour::new(1, all_fail)
        .unwrap()
        .always(device(1), None)
        .until(device(2), broken, 2);
    assert_eq!(behaviour.plan(device(1), 9).fault, None);
    assert_eq!(behaviour.plan(device(2), 2).fault, broken);
    assert_eq!(behaviour.plan(device(2), 3).fault, Some(Fault::NoAnswer));
    assert_eq!(behaviour.plan(device(3), 1).fault, Some(Fault::NoAnswer));
    assert_eq!(Behaviour::faultless().plan(device(3), 1).fault, None);
}

#[test]
fn a_link_breaks_after_the_first_block_and_before_the_last_is_through() {
    let all_break = Rates {
        file_transfer_failure: 1000,
        ..Rates::default()
    };
    let behaviour = Behaviour::new(1, all_break).unwrap();
    let breaks = |number, blocks| {
        behaviour
            .plan(device(number), 1)
            .breaks_before(blocks)
            .unwrap()
    };
    assert!((0..500).all(|number| (1..10).contains(&breaks(number, 10))));
    assert!((1..10).all(|at| (0..500).any(|number| breaks(number, 10) == at)));
    assert!((0..50).all(|number| breaks(number, 2) == 1));
    assert!((0..50).all(|number| breaks(number, 1) == 0));
    assert_eq!(
        Behaviour::faultless().plan(device(1), 1).breaks_before(10),
        None
    );
}

#[test]
fn a_faster_world_has_shorter_waits_but_the_same_network() {
    let latency = Latency {
        block: Duration::from_secs(10),
        ..Latency::default()
    };
    let fast = latency.at_speed(1000);
    assert_eq!(fast.block, Duration::from_millis(10));
    assert_eq!(fast.reconnect_min, latency.reconnect_min);
    assert_eq!(latency.at_speed(0), latency, "no speed is no change");
}
