//! Listeners, named by ARN and read per load balancer.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, ProtocolEnum, RedirectActionConfig, RedirectActionStatusCodeEnum,
};
use lamp_cloud::kinds::listener::{Change, Listener, ListenerAction, TLS_POLICY};
use lamp_cloud::{Applied, Reference, Resource, State, Tags};

use super::Creation;
use crate::answer::{Answer, created, done, id, required, unintelligible};
use crate::errors::failure;
use crate::{AwsCloud, tags};

const LIST: &str = "DescribeListeners";
const CREATE: &str = "CreateListener";
const MODIFY: &str = "ModifyListener";

/// Listeners of one load balancer; their tags are read separately. AWS allows 50, so one page holds them all.
pub(crate) async fn list(cloud: &AwsCloud, load_balancer: &str) -> Answer<Vec<Resource>> {
    let call = cloud.reads.elb.describe_listeners().load_balancer_arn(load_balancer).page_size(400);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    if answer.next_marker().is_some_and(|marker| !marker.is_empty()) {
        return Err(unintelligible(LIST, "TooManyRows", "a load balancer has more than 400 listeners"));
    }
    answer.listeners().iter().map(resource).collect()
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .elb
        .describe_listeners()
        .listener_arns(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.listeners().iter().map(resource).collect()
}

fn resource(row: &aws_sdk_elasticloadbalancingv2::types::Listener) -> Answer<Resource> {
    let id = required(LIST, "ListenerArn", row.listener_arn.clone())?;
    let port = row.port.and_then(|port| port.try_into().ok());
    // Only what speaks HTTPS shows a certificate to anybody.
    let certificates = if row.protocol() == Some(&ProtocolEnum::Https) { row.certificates() } else { &[] };
    let body = Listener {
        load_balancer: Reference::id(required(LIST, "LoadBalancerArn", row.load_balancer_arn())?),
        port: required(LIST, "Port", port)?,
        certificate: certificates.first().and_then(|certificate| certificate.certificate_arn.clone()),
        action: observed(row.default_actions()),
    };
    Ok(Resource {
        name: id.clone(),
        id,
        tags: Tags::new(),
        state: State::Ready,
        body: body.into(),
        created_at: None,
    })
}

/// What a listener does. Whatever we never ask for is shown as forwarding to the word for it, which equals nothing
/// that we want.
fn observed(actions: &[Action]) -> ListenerAction {
    let [action] = actions else { return foreign("several actions") };
    match action.r#type() {
        Some(ActionTypeEnum::Forward) => forwarded(action),
        Some(ActionTypeEnum::Redirect) if to_https(action) => ListenerAction::RedirectToHttps,
        Some(other) => foreign(other.as_str()),
        None => foreign("no action"),
    }
}

fn foreign(what: &str) -> ListenerAction {
    ListenerAction::Forward(Reference::id(what))
}

fn forwarded(action: &Action) -> ListenerAction {
    let groups = action.forward_config().map(|config| config.target_groups()).unwrap_or_default();
    let only = match groups {
        [] => action.target_group_arn(),
        [group] => group.target_group_arn(),
        _ => None,
    };
    ListenerAction::Forward(Reference::id(only.unwrap_or("several target groups")))
}

fn to_https(action: &Action) -> bool {
    action.redirect_config().is_some_and(|redirect| {
        redirect.protocol() == Some("HTTPS")
            && redirect.port() == Some("443")
            && redirect.status_code() == Some(&RedirectActionStatusCodeEnum::Http301)
            && redirect.host().is_none_or(|host| host == "#{host}")
            && redirect.path().is_none_or(|path| path == "/#{path}")
    })
}

fn action(operation: &str, action: &ListenerAction) -> Answer<Action> {
    Ok(match action {
        ListenerAction::Forward(group) => {
            Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(id(operation, group)?).build()
        }
        ListenerAction::RedirectToHttps => {
            let redirect = RedirectActionConfig::builder()
                .protocol("HTTPS")
                .port("443")
                .host("#{host}")
                .path("/#{path}")
                .query("#{query}")
                .status_code(RedirectActionStatusCodeEnum::Http301)
                .build();
            Action::builder().r#type(ActionTypeEnum::Redirect).redirect_config(redirect).build()
        }
    })
}

fn certificate(arn: &str) -> Certificate {
    Certificate::builder().certificate_arn(arn).build()
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &Listener) -> Answer<Applied> {
    let call = cloud
        .mutations
        .elb
        .create_listener()
        .load_balancer_arn(id(CREATE, &body.load_balancer)?)
        .port(body.port.into())
        .default_actions(action(CREATE, &body.action)?)
        .set_tags(Some(tags::to_elb(creation.tags)));
    let call = match &body.certificate {
        Some(arn) => call.protocol(ProtocolEnum::Https).ssl_policy(TLS_POLICY).certificates(certificate(arn)),
        None => call.protocol(ProtocolEnum::Http),
    };
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.listeners().first().and_then(|made| made.listener_arn()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let Change::Modify { port, certificate: arn, action: wanted } = change;
    let call = cloud
        .mutations
        .elb
        .modify_listener()
        .listener_arn(id)
        .port((*port).into())
        .default_actions(action(MODIFY, wanted)?);
    let call = match arn {
        Some(arn) => call.protocol(ProtocolEnum::Https).ssl_policy(TLS_POLICY).certificates(certificate(arn)),
        None => call.protocol(ProtocolEnum::Http),
    };
    let answer = call.send().await.map_err(|error| failure(MODIFY, error))?;
    Ok(done(&answer))
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.elb.delete_listener().listener_arn(id);
    let answer = call.send().await.map_err(|error| failure("DeleteListener", error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{ForwardActionConfig, TargetGroupTuple};

    use super::*;

    #[test]
    fn actions_survive_the_way_to_aws_and_back() {
        for wanted in [ListenerAction::RedirectToHttps, ListenerAction::Forward(Reference::id("arn:tg"))] {
            assert_eq!(observed(&[action(CREATE, &wanted).expect("an action")]), wanted);
        }
    }

    #[test]
    fn what_we_never_ask_for_equals_nothing_that_we_want() {
        let group = |arn: &str| TargetGroupTuple::builder().target_group_arn(arn).weight(1).build();
        let weighted =
            ForwardActionConfig::builder().target_groups(group("arn:a")).target_groups(group("arn:b"));
        let weighted =
            Action::builder().r#type(ActionTypeEnum::Forward).forward_config(weighted.build()).build();
        assert_eq!(observed(&[weighted]), foreign("several target groups"));
        let fixed = Action::builder().r#type(ActionTypeEnum::FixedResponse).build();
        assert_eq!(observed(&[fixed]), foreign("fixed-response"));
        let elsewhere = RedirectActionConfig::builder()
            .protocol("HTTPS")
            .port("443")
            .host("example.com")
            .status_code(RedirectActionStatusCodeEnum::Http301);
        let elsewhere =
            Action::builder().r#type(ActionTypeEnum::Redirect).redirect_config(elsewhere.build()).build();
        assert_eq!(observed(&[elsewhere]), foreign("redirect"));
        assert_eq!(observed(&[]), foreign("several actions"));
    }
}
