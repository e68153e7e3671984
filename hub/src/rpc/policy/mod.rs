//! Asking policies by hand, and for builders.

use toji_hub_macros::rpc;
use toji_proto::{FaultCode, Value, ValueExt};

use super::{Call, Method, Rpc, Struct};
use crate::error::{self, Error};
use crate::policy::{CallFacts, Decision};

pub const METHODS: &[Method] = &[EVAL_POLICY, HOST_ASSERT_POLICY, HOST_CHECK_POLICY, HOST_EVAL_POLICY];

/// The action that a policy chooses for the data (a struct), as text; nil if no rule applies.
///
/// Faults: a policy that does not exist (1000), data that a test cannot use.
#[rpc("evalPolicy(name, data)", read)]
pub async fn eval_policy(call: &mut Call, name: Value, data: Value) -> Rpc<Option<String>> {
    let name = policy_name(&name)?;
    if !call.hub.policies.contains(name) {
        return Err(error::generic(format!("no such policy: {name}")));
    }
    let verdict = call.apply_policy(name, policy_data(data)?).await?;
    Ok(verdict.map(|verdict| verdict.action))
}

/// The same for builders.
#[rpc("host.evalPolicy(name, data)", read, host)]
pub async fn host_eval_policy(call: &mut Call, name: Value, data: Value) -> Rpc<Option<String>> {
    eval_policy(call, name, data).await
}

/// Whether a policy of allow and deny allows: a list of the truth value and the reason.
///
/// `default` is the action if no rule applies. With `strict`, what is not allowed is a fault (1004).
#[rpc("host.checkPolicy(name, data, default='deny', strict=False)", read, host)]
pub async fn host_check_policy(
    call: &mut Call,
    name: Value,
    data: Value,
    default: Value,
    strict: bool,
) -> Rpc<Vec<Value>> {
    let decision = decide(call, &name, data, &default, strict).await?;
    Ok(vec![Value::Boolean(decision.allowed), Value::String(decision.reason)])
}

/// Faults (1004, with the reason) unless the policy allows.
#[rpc("host.assertPolicy(name, data, default='deny')", read, host)]
pub async fn host_assert_policy(call: &mut Call, name: Value, data: Value, default: Value) -> Rpc<()> {
    decide(call, &name, data, &default, true).await.map(|_| ())
}

async fn decide(call: &Call, name: &Value, data: Value, default: &Value, strict: bool) -> Rpc<Decision> {
    let name = policy_name(name)?;
    let policies = &call.hub.policies;
    let facts = CallFacts::new(call, policy_data(data)?);
    let decision = policies.check(name, &facts, default.as_str().unwrap_or_default(), false).await?;
    if strict && !decision.allowed {
        return Err(policies.violation(name, &decision));
    }
    Ok(decision)
}

fn policy_name(name: &Value) -> Rpc<&str> {
    name.as_str().ok_or_else(|| error::generic(format!("no such policy: {}", name.repr())))
}

/// Stock hubs fail with an internal fault on data that is no struct.
fn policy_data(data: Value) -> Rpc<Struct> {
    match data {
        Value::Struct(data) => Ok(data),
        other => {
            Err(Error::Fault { code: FaultCode::Internal, text: format!("policy data is no struct: {}", other.repr()) })
        }
    }
}
