//! The schema that arrow-json gets: inferred from values, as whoever builds on it would do.

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow_json::reader::infer_json_schema_from_iterator;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What the members of some objects are, all of them nullable.
pub struct Inferred {
    /// Those that have a type.
    pub fields: Vec<FieldRef>,
    /// Those whose type varies, such as an object here and a string there: no column of one type holds them.
    pub varying: Vec<String>,
}

/// Looks at all members of all objects.
pub fn infer<'a>(objects: impl Iterator<Item = &'a Map<String, Value>> + Clone) -> Inferred {
    let names: BTreeSet<&String> = objects.clone().flat_map(Map::keys).collect();
    let mut inferred = Inferred { fields: Vec::new(), varying: Vec::new() };
    for name in names {
        let values = objects.clone().filter_map(|object| object.get(name));
        // arrow-json infers whole objects, and fails as a whole.
        let alone = values.map(|value| Ok(Value::Object(Map::from_iter([(name.clone(), value.clone())]))));
        match infer_json_schema_from_iterator(alone) {
            Ok(schema) => inferred.fields.extend(schema.fields.iter().filter_map(with_values)),
            Err(_) => inferred.varying.push(name.clone()),
        }
    }
    inferred
}

/// The field without all that never had a value: Parquet has no type for an object without members.
fn with_values(field: &FieldRef) -> Option<FieldRef> {
    let data_type = match field.data_type() {
        DataType::Null => return None,
        DataType::Struct(members) => {
            let members: Fields = members.iter().filter_map(with_values).collect();
            (!members.is_empty()).then_some(DataType::Struct(members))?
        }
        DataType::List(element) => DataType::List(with_values(element)?),
        scalar => scalar.clone(),
    };
    Some(Field::new(field.name(), data_type, true).into())
}
