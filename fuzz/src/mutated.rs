//! Changes to saved plans that leave them JSON, and mostly plans: what a byte here and there
//! changes is refused before anything is looked at.

use serde_json::{Map, Value, json};

/// A text much longer than names are, whose letters are not bytes.
const LONG: &str = "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé";

/// Changes something of a plan. Gives nothing for what is no JSON.
pub fn mutated(text: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut whole: Value = serde_json::from_slice(text).ok()?;
    let mut dice = Dice(seed | 1);
    for _ in 0..=dice.roll(3) {
        let (place, source) = (dice.roll(count(&whole)), dice.roll(count(&whole)));
        let other = nth(&mut whole, source)?.clone();
        change(nth(&mut whole, place)?, other, &mut dice);
    }
    if dice.roll(4) > 0 {
        mend(&mut whole);
    }
    serde_json::to_vec(&whole).ok()
}

/// Small numbers that look like chance (xorshift).
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        usize::try_from(self.0).unwrap_or_default() % sides.max(1)
    }
}

/// How many values there are in one, with itself.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The n-th of all values in one, in an order of no importance.
fn nth(value: &mut Value, n: usize) -> Option<&mut Value> {
    if n == 0 {
        return Some(value);
    }
    let mut left = n - 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for value in inner {
        let size = count(value);
        if left < size {
            return nth(value, left);
        }
        left -= size;
    }
    None
}

fn change(value: &mut Value, other: Value, dice: &mut Dice) {
    match (dice.roll(3), &mut *value) {
        (0, Value::Array(items)) if !items.is_empty() => {
            let place = dice.roll(items.len());
            match dice.roll(3) {
                0 => drop(items.remove(place)),
                1 => items.push(items[place].clone()),
                _ => items.swap(place, 0),
            }
        }
        (0, Value::Object(fields)) if !fields.is_empty() => {
            let key = fields.keys().nth(dice.roll(fields.len())).cloned().unwrap_or_default();
            match dice.roll(3) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert("id".to_owned(), other)),
                _ => drop(fields.insert(key, other)),
            }
        }
        (1, value) => *value = junk(dice),
        (_, Value::Bool(is_so)) => *is_so = !*is_so,
        (_, Value::Number(_)) => *value = number(dice),
        (_, Value::String(text)) => match dice.roll(4) {
            0 => text.push_str("-a"),
            1 => text.push_str(LONG),
            2 => word(dice).clone_into(text),
            _ => *value = other,
        },
        (_, value) => *value = other,
    }
}

fn junk(dice: &mut Dice) -> Value {
    match dice.roll(7) {
        0 => Value::Null,
        1 => number(dice),
        2 => json!([]),
        3 => Map::new().into(),
        4 => json!({ "ref": "network/main" }),
        5 => json!({ "text": [{ "output": { "address": "store/main", "field": "host" } }] }),
        _ => word(dice).into(),
    }
}

fn number(dice: &mut Dice) -> Value {
    [0, 1, 2, 3, 60, 3600, 86_400, 2_147_483_647, 4_294_967_295, u64::MAX][dice.roll(10)].into()
}

fn word(dice: &mut Dice) -> &'static str {
    [
        "create",
        "update",
        "await",
        "delete",
        "missing",
        "differs",
        "twin",
        "superseded",
        "none",
        "outage",
        "ready",
        "settling",
        "leaving",
        "network/main",
        "store/main",
        "gate/edge",
        "service/web",
        "unknown/a",
        "network-1",
        "",
        LONG,
    ][dice.roll(21)]
}

/// Numbers the steps again, so that the plan is not refused for their order.
fn mend(whole: &mut Value) {
    let Some(steps) = whole.pointer_mut("/plan/steps").and_then(Value::as_array_mut) else {
        return;
    };
    for (place, step) in steps.iter_mut().enumerate() {
        let Some(fields) = step.as_object_mut() else { continue };
        fields.insert("id".to_owned(), place.into());
        if let Some(after) = fields.get_mut("after").and_then(Value::as_array_mut) {
            after.retain(|id| id.as_u64().is_some_and(|id| id < place as u64));
        }
    }
}
