//! Bringing a new version of the launch template to every instance: one at a time, new before old, and back to the
//! last good version if it does not work.
//!
//! [`target`] says which version the group is to launch, [`trial`] whether a new one proves itself. What they found
//! out for good stands in the record of the launch template. Nothing else is remembered: each plan looks at the group,
//! its members and that record, and does what is safe now.

pub(crate) mod target;
pub(crate) mod trial;

use lamp_api::v1alpha1::Tier;
use lamp_cloud::{FailedVersion, Kind, Request, TemplateVersion, Versions};

use self::target::{Standing, Target, versions};
use self::trial::Finding;
use crate::healing::Patient;
use crate::live::attempt::{may_send, rollout_part};
use crate::live::budget::{Budget, is_arriving, is_recent_rollout};
use crate::live::tier_view::{MemberView, TierView, count};
use crate::status::seconds;
use crate::{Action, Draft, Effect, holds, left_alone, parts};

/// The capacity that a rollout needs at least: one more than there are, and than `min`, so that a new instance serves
/// before an old one goes; then no fewer until the last new one is ready. 0 where nothing is rolled out.
pub(crate) fn least_capacity(draft: &Draft<'_>, tier: &Tier) -> u32 {
    let Some(view) = TierView::of(draft.input.inventory, tier) else { return 0 };
    if draft.input.holds.of_tier(&tier.name).is_some() {
        return 0;
    }
    let (outdated, staying) = (count(view.outdated()), count(view.staying()));
    let spared = tier.capacity.min.saturating_add(1);
    // Who leaves because there are too many is no reason to have more.
    let arriving =
        || staying < view.body.desired || view.staying().any(|member| is_arriving(draft, tier, member));
    if may_be_under_way(draft, tier, &view) {
        let wanted = if outdated == staying { outdated.saturating_add(1) } else { view.body.desired };
        wanted.max(spared)
    } else if is_recent_rollout(&draft.input, tier, &view) && arriving() {
        view.body.desired.max(spared)
    } else if has_left_good(draft, tier) && arriving() {
        // What replaces a lost instance of a version that failed was launched without a call of ours.
        view.body.desired
    } else {
        0
    }
}

/// Whether the spec asks for another version than the last good one.
fn has_left_good(draft: &Draft<'_>, tier: &Tier) -> bool {
    let has_good = versions(&draft.input, &parts::launch_template(&tier.name)).good.is_some();
    has_good && target::of(draft, tier).is_ok_and(|target| target.standing != Standing::Good)
}

/// Whether instances are of another version than the group's, which they are to have. While that is not known, or the
/// group is on its way back, a spare instance is kept.
fn may_be_under_way(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>) -> bool {
    let is_launched = match target::of(draft, tier) {
        Ok(Target { standing: Standing::Returned { .. }, .. }) => true,
        Ok(target) => target.launched().number == view.body.template_version,
        Err(_) => is_newest(draft, tier, view),
    };
    is_launched && view.outdated().next().is_some()
}

fn is_newest(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>) -> bool {
    match draft.input.inventory.present(&parts::launch_template(&tier.name)).map(|row| &row.body) {
        Some(lamp_cloud::Body::LaunchTemplate(template)) => {
            template.latest_version == view.body.template_version
        }
        _ => false,
    }
}

/// Where a tier is between the versions of its template.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// The version that it is to have is not known, or its group does not launch it yet.
    Aside,
    /// The group launches the good version that the spec asks for.
    Good,
    /// The group launches a new version, which has to prove itself.
    Trial { version: u64, has_good: bool, finding: Finding },
    /// The version that the spec asks for failed. Once the group launches the good one, instances follow.
    Return { good: TemplateVersion, failed: FailedVersion },
}

impl Stage {
    /// The version whose instances healing must not start again: what becomes of them is decided here.
    pub(crate) fn own_version(&self) -> Option<u64> {
        match self {
            Self::Trial { version, has_good: true, .. } => Some(*version),
            Self::Return { failed, .. } => Some(failed.version.number),
            _ => None,
        }
    }

    /// Whether the group still launches a version that failed: nothing is replaced by more of it.
    pub(crate) fn launches_failed(&self, view: &TierView<'_>) -> bool {
        matches!(self, Self::Return { good, .. } if good.number != view.body.template_version)
    }
}

/// Finds out where the tier is, and notes for good what its versions proved to be.
pub(crate) fn judge(draft: &mut Draft<'_>, tier: &Tier, view: &TierView<'_>, sick: &[Patient]) -> Stage {
    let (group, template) = (parts::auto_scaling_group(&tier.name), parts::launch_template(&tier.name));
    let Ok(target) = target::of(draft, tier) else { return Stage::Aside };
    let record = versions(&draft.input, &template);
    let stage = stage(draft, tier, view, sick, (&target, &record));
    if !matches!(stage, Stage::Trial { .. }) {
        draft.plan.memory.trials.remove(&group);
    }
    let proved = match &stage {
        Stage::Good => Versions { good: Some(target.asked), failed: None },
        Stage::Return { good, failed } => Versions { good: Some(good.clone()), failed: Some(failed.clone()) },
        // Another version is asked for, or the same again.
        Stage::Aside | Stage::Trial { .. } => Versions { failed: None, ..record.clone() },
    };
    if proved != record {
        draft.plan.versions.insert(template, proved);
    }
    stage
}

fn stage(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    sick: &[Patient],
    (target, record): (&Target, &Versions),
) -> Stage {
    let asked = &target.asked;
    match &target.standing {
        Standing::Returned { good, failed } => {
            return Stage::Return { good: good.clone(), failed: failed.clone() };
        }
        _ if !launches(draft, tier, view, target) => return Stage::Aside,
        Standing::Good => return Stage::Good,
        Standing::New => {}
    }
    let part = parts::auto_scaling_group(&tier.name);
    match (trial::watch(draft, tier, view, asked.number, sick), &record.good) {
        (Finding::Failed(why), Some(good)) => {
            draft.decide(&part, "RolloutHalted", format!("version {}: {why}", asked.number));
            let (at, requested) = (draft.input.now, draft.input.requested.map(str::to_owned));
            let failed = FailedVersion { version: asked.clone(), at, why, requested };
            Stage::Return { good: good.clone(), failed }
        }
        (Finding::Baked, good) if is_complete(view) => {
            if good.is_some() {
                let reason =
                    format!("version {} serves on every instance, and is the good one", asked.number);
                draft.decide(&part, "RolledOut", reason);
            }
            Stage::Good
        }
        (finding, good) => Stage::Trial { version: asked.number, has_good: good.is_some(), finding },
    }
}

/// Whether the group launches the target, and from the template that the target is a version of.
fn launches(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>, target: &Target) -> bool {
    let template = draft.entry(&parts::launch_template(&tier.name)).and_then(|entry| entry.id.as_deref());
    target.launched().number == view.body.template_version && template == view.body.template.as_id()
}

/// Whether every instance that there should be is there, ready, and of the group's version.
fn is_complete(view: &TierView<'_>) -> bool {
    view.outdated().next().is_none()
        && count(view.staying()) >= view.body.desired
        && view.staying().all(|member| member.ready)
}

/// What is said of a rollout.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// How far it is.
    pub(crate) sentence: Option<String>,
    /// Why it does not go on until a person acts.
    pub(crate) halted: Option<String>,
}

impl Progress {
    fn of(sentence: Option<String>) -> Self {
        Self { sentence, halted: None }
    }
}

/// Replaces the next outdated instance if that is safe; says how far the rollout is.
pub(crate) fn plan_rollout(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    budget: &Budget,
    stage: &Stage,
) -> Progress {
    match stage {
        Stage::Aside => Progress::default(),
        Stage::Good => Progress::of(bring(draft, tier, view, budget, ("rolling out", None))),
        Stage::Trial { version, has_good, finding } => {
            plan_trial(draft, tier, view, budget, (*version, *has_good, finding))
        }
        Stage::Return { good, failed } => {
            let sentence = if stage.launches_failed(view) {
                Some(format!("its group goes back to version {}", good.number))
            } else {
                bring(draft, tier, view, budget, ("going back to", None))
            };
            let halted = returned(draft, good, failed, sentence.as_deref());
            block(draft, tier, view, &halted);
            Progress { sentence, halted: Some(halted) }
        }
    }
}

fn plan_trial(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    budget: &Budget,
    (version, has_good, finding): (u64, bool, &Finding),
) -> Progress {
    let has_outdated = view.outdated().next().is_some();
    let has_new = count(view.outdated()) < count(view.staying());
    match finding {
        Finding::Failed(why) if has_outdated => {
            let reason = format!(
                "version {version} does not become healthy: rollout halted: {why}; no version before it is known \
                 to have worked: change what the spec launches"
            );
            block(draft, tier, view, &reason);
            draft.decide(&parts::auto_scaling_group(&tier.name), "Hold", reason.clone());
            Progress { sentence: Some(reason.clone()), halted: Some(reason) }
        }
        Finding::Excused(why) => Progress::of(Some(format!("version {version} waits: {why}"))),
        Finding::Baking(until) if has_outdated => {
            let hold = format!("waiting until {until} whether the new instances stay ready");
            Progress::of(bring(draft, tier, view, budget, ("rolling out", Some(hold))))
        }
        Finding::Undecided if has_outdated => {
            let hold = has_new.then(|| "waiting for the new instances to be ready".to_owned());
            Progress::of(bring(draft, tier, view, budget, ("rolling out", hold)))
        }
        Finding::Baked if has_outdated => {
            Progress::of(bring(draft, tier, view, budget, ("rolling out", None)))
        }
        Finding::Baking(until) if has_good => Progress::of(Some(format!(
            "version {version} is on every instance, and is good if they are ready until {until}"
        ))),
        _ => Progress::of(
            has_good.then(|| format!("waiting for every instance of version {version} to be ready")),
        ),
    }
}

fn returned(
    draft: &Draft<'_>,
    good: &TemplateVersion,
    failed: &FailedVersion,
    sentence: Option<&str>,
) -> String {
    let (bad, good, why) = (failed.version.number, good.number, &failed.why);
    let state = sentence.map_or_else(|| format!("every instance is of version {good} again"), str::to_owned);
    let (at, name) = (seconds(failed.at).0, &draft.input.owner.name);
    format!(
        "rollout halted: version {bad} does not work ({why}, at {at}); {state}, the last good one; change what the spec \
         launches, or try version {bad} again with lampctl sync {name}"
    )
}

fn block(draft: &mut Draft<'_>, tier: &Tier, view: &TierView<'_>, reason: &str) {
    let part = parts::auto_scaling_group(&tier.name);
    draft.block(&part, Kind::AutoScalingGroup, Some(&view.group.id), reason.to_owned());
}

/// Replaces the next instance of another version than the group's, unless something holds it; `None`: there is none.
fn bring(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    budget: &Budget,
    (doing, hold): (&str, Option<String>),
) -> Option<String> {
    view.outdated().next()?;
    let standing = left_alone::standing_tier(&draft.input, tier, Some(view.body));
    let (total, outdated) = (count(view.staying()), count(view.outdated()));
    let version = view.body.template_version;
    let progress =
        format!("{doing} version {version}: {} of {total} replaced", total.saturating_sub(outdated));
    let hold = draft.input.holds.of_tier(&tier.name).or(hold);
    match next(&standing, view, budget).and_then(|member| hold.map_or(Ok(member), Err)) {
        Ok(member) => {
            replace(draft, view, member, &progress);
            Some(progress)
        }
        Err(why) => Some(format!("{progress}, {why}")),
    }
}

/// The instance to replace now: one that is seen to serve nobody before others, then the oldest.
///
/// # Errors
/// What is waited for, in words.
fn next<'v, 'a>(tier: &Tier, view: &'v TierView<'a>, budget: &Budget) -> Result<&'v MemberView<'a>, String> {
    if budget.in_flight > 0 {
        return Err(format!("waiting for {} instances under way", budget.in_flight));
    }
    if !view.body.suspended.is_empty() {
        return Err(format!("the group's processes {} are suspended", view.body.suspended.join(", ")));
    }
    let candidate = view
        .outdated()
        .filter(|member| holds::of_member(member).is_none())
        .min_by_key(|member| (!member.idle, member.instance.map(|instance| instance.launched_at)))
        .ok_or_else(|| view.outdated().find_map(holds::of_member).unwrap_or_default())?;
    let version = view.body.template_version;
    let waited = view.staying().find(|member| {
        let counts = !candidate.idle || !member.is_outdated(version);
        counts && !member.ready && member.member.instance != candidate.member.instance
    });
    if let Some(member) = waited {
        return Err(format!("waiting for {} to be ready", member.member.instance));
    }
    // New before old: until there is a new one, the old ones are all that serves.
    if !candidate.idle && view.staying().all(|member| member.is_outdated(version)) && has_room(tier, view) {
        return Err("waiting for a new instance beside the old ones".to_owned());
    }
    if !candidate.idle && view.ready() <= floor(tier) {
        return Err(format!("waiting for more than {} ready instances", floor(tier)));
    }
    Ok(candidate)
}

/// Whether the group may have one more than it wants now.
fn has_room(tier: &Tier, view: &TierView<'_>) -> bool {
    view.body.desired < tier.capacity.max
}

/// As many must stay ready: `min`, and one fewer where `max` leaves no room for a spare instance.
fn floor(tier: &Tier) -> u32 {
    let capacity = &tier.capacity;
    if capacity.max > capacity.min { capacity.min } else { capacity.min.saturating_sub(1) }
}

fn replace(draft: &mut Draft<'_>, view: &TierView<'_>, member: &MemberView<'_>, progress: &str) {
    let instance = member.member.instance.clone();
    let part = rollout_part(&instance);
    if !may_send(&draft.input, &part) {
        return;
    }
    let version = member.member.template_version.unwrap_or_default();
    let reason = format!("{instance} is of version {version}; {progress}");
    draft.decide(&part, "Rollout", reason.clone());
    draft.act(Action {
        part,
        kind: Kind::AutoScalingGroup,
        effect: Effect::Replace,
        request: Request::ReplaceInstance { group: view.group.id.clone(), instance },
        reason,
        changes: Vec::new(),
        precondition: None,
    });
}
