//! Checks the factors of products before they are multiplied.
//!
//! minijinja repeats a list by `*` without work, and its fuel does not count the items. So one `*` makes a list that no memory
//! holds once it is written as text. Every `a * b` is therefore compiled as a filter that refuses lists.

use std::borrow::Cow;
use std::sync::LazyLock;

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr};
use minijinja::machinery::parse_expr;
use minijinja::{Environment, Error, Expression, Value, context};

use super::budget::refuse_long;
use super::functions::refusal;

/// The filter.
pub(super) const PRODUCT: &str = "product";

static TIMES: LazyLock<Option<Expression<'static, 'static>>> = LazyLock::new(|| {
    static EMPTY: LazyLock<Environment<'static>> = LazyLock::new(Environment::empty);
    EMPTY.compile_expression("a * b").ok()
});

/// The expression with each of its products as a filter.
pub(super) fn guarded(source: &str) -> Cow<'_, str> {
    if !source.contains('*') {
        return Cow::Borrowed(source);
    }
    // The compiler reports what is wrong.
    let Ok(expression) = parse_expr(source) else {
        return Cow::Borrowed(source);
    };
    let mut edits = Vec::new();
    find(&expression, source, &mut edits);
    edits.sort();
    let (mut guarded, mut from) = (String::with_capacity(source.len() * 2), 0);
    for (place, edit) in edits {
        guarded.push_str(&source[from..place]);
        let (text, skipped) = match edit {
            Edit::End => ("))", 0),
            Edit::Star => (")|product(", 1),
            Edit::Start => ("((", 0),
        };
        guarded.push_str(text);
        from = place + skipped;
    }
    Cow::Owned(guarded + &source[from..])
}

/// Text to insert into the source, in the order of insertion at one offset.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    End,
    Star,
    Start,
}

/// Collects the edits of an expression and of its parts, by offset.
fn find(expression: &Expr<'_>, source: &str, edits: &mut Vec<(usize, Edit)>) {
    if let Expr::BinOp(operation) = expression
        && matches!(operation.op, BinOpKind::Mul)
    {
        let between = offset(operation.left.span().end_offset);
        let star = source[between..].find('*');
        if let Some(star) = star {
            let span = operation.span();
            edits.push((offset(span.start_offset), Edit::Start));
            edits.push((between + star, Edit::Star));
            edits.push((offset(span.end_offset), Edit::End));
        }
    }
    for part in parts(expression) {
        find(part, source, edits);
    }
}

fn offset(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn parts<'e, 's>(expression: &'e Expr<'s>) -> Vec<&'e Expr<'s>> {
    let arguments = |args: &'e [CallArg<'s>]| {
        args.iter().map(|argument| match argument {
            CallArg::Pos(argument)
            | CallArg::Kwarg(_, argument)
            | CallArg::PosSplat(argument)
            | CallArg::KwargSplat(argument) => argument,
        })
    };
    match expression {
        Expr::Var(_) | Expr::Const(_) => Vec::new(),
        Expr::Slice(slice) => [&slice.start, &slice.stop, &slice.step]
            .into_iter()
            .flatten()
            .chain([&slice.expr])
            .collect(),
        Expr::UnaryOp(operation) => vec![&operation.expr],
        Expr::BinOp(operation) => vec![&operation.left, &operation.right],
        Expr::Compare(comparison) => {
            let others = comparison.ops.iter().map(|other| &other.expr);
            others.chain([&comparison.expr]).collect()
        }
        Expr::IfExpr(choice) => {
            let both = [&choice.test_expr, &choice.true_expr];
            both.into_iter().chain(&choice.false_expr).collect()
        }
        Expr::Filter(filter) => filter.expr.iter().chain(arguments(&filter.args)).collect(),
        Expr::Test(test) => arguments(&test.args).chain([&test.expr]).collect(),
        Expr::GetAttr(attribute) => vec![&attribute.expr],
        Expr::GetItem(item) => vec![&item.expr, &item.subscript_expr],
        Expr::Call(call) => arguments(&call.args).chain([&call.expr]).collect(),
        Expr::List(list) => list.items.iter().collect(),
        Expr::Tuple(tuple) => tuple.items.iter().collect(),
        Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
    }
}

/// Multiplies numbers, or repeats text.
pub(super) fn product(left: Value, right: Value) -> Result<Value, Error> {
    if left.as_object().is_some() || right.as_object().is_some() {
        return Err(refusal(
            "a list cannot be multiplied; write its items out".to_owned(),
        ));
    }
    let repeated = match (left.as_str(), right.as_str()) {
        (Some(text), None) => Some((text, &right)),
        (None, Some(text)) => Some((text, &left)),
        (Some(_), Some(_)) | (None, None) => None,
    };
    if let Some((text, count)) = repeated {
        let count = count.as_usize().unwrap_or(0);
        refuse_long(text.len().saturating_mul(count)).map_err(refusal)?;
    }
    match &*TIMES {
        Some(times) => times.eval(context! { a => left, b => right }),
        None => Err(refusal("products are not supported".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_becomes_a_filter_whatever_stands_around_it() {
        for (source, expected) in [
            ("a", "a"),
            ("a ** b", "a ** b"),
            ("'*' ~ a", "'*' ~ a"),
            ("a * b", "((a )|product( b))"),
            ("a*b*c", "((((a)|product(b)))|product(c))"),
            (
                "(a + b) * (c * d)",
                "(((a + b) )|product( (((c )|product( d)))))",
            ),
            ("a + 2 * b ** 2", "a + ((2 )|product( b ** 2))"),
            ("-a * -b", "((-a )|product( -b))"),
            ("é|length * 2", "é|length * 2"),
            (
                "f(a * 2, k=[b * 3])",
                "f(((a )|product( 2)), k=[((b )|product( 3))])",
            ),
            ("a[b * 2:c * 3]", "a[((b )|product( 2)):((c )|product( 3))]"),
            ("{'*': a * 2}", "{'*': ((a )|product( 2))}"),
            (
                "a * 2 if b * 2 else c * 2",
                "((a )|product( 2)) if ((b )|product( 2)) else ((c )|product( 2))",
            ),
            (
                "a * 2 > b * 2 is eq(c * 2)",
                "((a )|product( 2)) > ((b )|product( 2 is eq(((c )|product( 2)))))",
            ),
            ("'é' * 2", "(('é' )|product( 2))"),
            ("not a * 2", "not ((a )|product( 2))"),
        ] {
            assert_eq!(guarded(source), expected);
        }
    }
}
