"""Records and decisions: what is wrong or unusual with a record, and reasons."""

WORDS = {
    # what a value must be
    "integer": "a whole number",
    "number": "a number",
    "category": "a category",
    "boolean": "true or false",
    "between": "between {low:.10g} and {high:.10g}",
    "ge": "greater than or equal to {limit:.10g}",
    "gt": "greater than {limit:.10g}",
    "le": "less than or equal to {limit:.10g}",
    "lt": "less than {limit:.10g}",
    "and": " and ",
    "one_of": "one of: {levels}",
    # what is wrong with a field
    "expected": "{expected} was expected",
    "must_be": "must be {expected}",
    "must_lie": "must be {limits}",
    "must_lie_between": "must be {limits}",
    "out_of_reach": "out of reach of 64-bit numbers",
    "too_long": "a text of up to {longest} characters was expected",
    "category_as_integer": "a category was expected, as a whole number",
    "category_as_text": "a category was expected, as text",
    "missing": "required: the value is missing",
    "twice": "given twice, under different names",
    "unknown": "unknown field",
    "unknown_near": "unknown field; did you mean “{near}”?",
    "more_unknown": "and {more} more unknown fields",
    # what is wrong with a record
    "names_not_text": "names of fields must be text",
    "empty": "a record with at least one value was expected",
    "not_an_object": "a JSON object was expected",
    "a_table": "one record was expected, not a table",
    "not_json": "this is not valid JSON",
    "unreadable": "the record can't be read",
    "no_record": "an object with the fields of the schema was expected",
    "refused_by_model": "the model can't answer for this record",
    # what is unusual about a value
    "never_missing": "no value, and in training there always was one",
    "never_seen": "category not seen in training",
    "out_of_range": "outside the range of training ({low:.10g} to {high:.10g})",
    # reasons
    "reason_missing": "{label}: not reported",
    "reason_plain": "{label}: raises the risk",
    "reason_above": "{label}: above what is usual",
    "reason_below": "{label}: below what is usual",
    # outcomes
    "aprobar": "approve",
    "revisar": "review",
    "rechazar": "decline",
}
