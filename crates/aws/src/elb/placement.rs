//! Where a certificate was put: its tags say so, since what a listener has of it carries none.
//! `deployer:at:app/edge/50dc/f2f7` is the generation and the name.

use deployer_core::Arn;

use crate::ownership::Tags;

/// What the keys of tags begin with that say where a certificate was put.
const AT: &str = "deployer:at:";

/// What comes before the path in the ARN of a listener.
const LISTENER: &str = ":listener/";

/// The key of the tag for a listener, by its ARN or by the path at the end of that.
pub(super) fn key(listener: &str) -> String {
    let path = listener.rsplit_once(LISTENER).map_or(listener, |(_, path)| path);
    format!("{AT}{path}")
}

/// Whether a certificate was put at a listener by a resource of its own, by its tags.
pub(super) fn is_put_at(tags: &Tags, listener: &str) -> bool {
    tags.contains_key(&key(listener))
}

/// The ARN of a listener, which is where a certificate is.
pub(super) fn listener(certificate: &str, path: &str) -> Option<String> {
    let Arn { partition, region, account, .. } = Arn::read(certificate)?;
    Some(format!("arn:{partition}:elasticloadbalancing:{region}:{account}{LISTENER}{path}"))
}

/// Where a certificate was put, by its tags: at which listener, in which generation, and as what.
pub(super) fn places(tags: &Tags) -> impl Iterator<Item = (&str, u32, &str)> {
    tags.iter().filter_map(|(key, value)| {
        let (generation, name) = value.split_once(' ')?;
        Some((key.strip_prefix(AT)?, generation.parse().ok()?, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_of_a_certificate_say_where_it_was_put() {
        let at = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/edge/50dc/f2f7";
        let tags: Tags =
            [(key(at), "2 web".to_owned()), ("Name".to_owned(), "1 web".to_owned())].into();
        let found: Vec<_> = places(&tags).collect();
        assert_eq!(found, [("app/edge/50dc/f2f7", 2, "web")]);
        let certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/1";
        assert_eq!(listener(certificate, found[0].0).as_deref(), Some(at));
    }
}
