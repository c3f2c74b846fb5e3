use std::{sync::Arc, thread};

use super::{CloseAtEnd, Queue};

#[test]
fn items_come_out_in_order_in_pieces_of_the_size_asked_for() {
    let queue = Queue::new(100);
    for item in 0..5 {
        queue.push(item, 10).unwrap();
    }
    assert_eq!(queue.take(25), Some(vec![0, 1]));
    assert_eq!(queue.take(1), Some(vec![2]), "at least one, however large");
    queue.close();
    assert_eq!(queue.push(9, 1), Err(9));
    assert_eq!(
        queue.take(100),
        Some(vec![3, 4]),
        "what waits can still be taken"
    );
    assert_eq!(queue.take(100), None);
}

#[test]
fn a_full_queue_makes_its_caller_wait_until_there_is_room() {
    let queue = Arc::new(Queue::new(10));
    queue.push(0, 1000).expect("an empty queue takes any size");
    let pusher = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || (1..100).all(|item| queue.push(item, 5).is_ok()))
    };
    let mut taken = Vec::new();
    while taken.len() < 100 {
        let items = queue.take(10).unwrap();
        assert!(items.len() <= 2);
        taken.extend(items);
    }
    assert!(pusher.join().unwrap());
    assert!(taken.into_iter().eq(0..100));
}

#[test]
fn the_end_of_the_taker_frees_those_who_wait() {
    let queue = Arc::new(Queue::new(1));
    queue.push(Arc::new(()), 1).unwrap();
    let waiting = Arc::new(());
    let pusher = {
        let (queue, item) = (Arc::clone(&queue), Arc::clone(&waiting));
        thread::spawn(move || queue.push(item, 1).is_err())
    };
    drop(CloseAtEnd(&queue));
    assert!(pusher.join().unwrap());
    assert_eq!(Arc::strong_count(&waiting), 1, "nothing is kept for nobody");
}
