"""A plan as a configuration of RLlib's PPO, on the new API stack."""

from dataclasses import asdict
from functools import partial
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module import MultiRLModuleSpec, RLModuleSpec

from domains.policy import Architecture
from envs.learning.batched import Agent
from envs.learning.connector import BatchOfFragments
from envs.learning.errors import PlanInvalid
from envs.learning.learner import PpoLearner
from envs.learning.module import SHAPE, MaskedPolicy
from envs.learning.networks import Shape
from envs.learning.plan import Plan, Schedule
from envs.learning.runner import TASK, BatchedRunner
from envs.learning.tasks import Task

SHARED = "shared"


def policy_names(plan: Plan, task: Task) -> dict[Agent, str]:
    """Which policy each agent follows."""
    shared = plan.agents.policies == "shared"
    return {agent: SHARED if shared else agent for agent in task.agents}


def shape_of(plan: Plan, task: Task, agent: Agent) -> Shape:
    schema, network = task.schema(agent), plan.network
    central = plan.agents.critic == "central"
    if network.architecture is Architecture.POINTER and not schema.each:
        raise PlanInvalid(f"{agent} has no candidates to point at: architecture = 'layers'")
    if central and not task.state_size:
        raise PlanInvalid(f"{task.environment} has no state for a central critic")
    return Shape(
        architecture=network.architecture,
        activation=network.activation,
        shared=len(schema.shared),
        each=len(schema.each),
        candidates=task.candidates(agent),
        extras=len(schema.extras),
        width=network.width,
        hidden=network.hidden,
        state=task.state_size if central else 0,
    )


def config_of(plan: Plan, task: Task, seed: int) -> Any:
    """Ready to build. `task` travels in the environment's configuration."""
    names, ppo = policy_names(plan, task), plan.ppo
    specs = {}
    for agent, name in names.items():
        observations, actions = task.spaces(agent)  # type: ignore[attr-defined]
        specs[name] = RLModuleSpec(
            module_class=MaskedPolicy,
            observation_space=observations,
            action_space=actions,
            model_config={SHAPE: asdict(shape_of(plan, task, agent))},
        )
    rows = plan.envs * max(plan.runners, 1)
    return (
        PPOConfig()
        .environment(env=task.environment, env_config={TASK: task}, disable_env_checking=True)
        .env_runners(
            env_runner_cls=BatchedRunner,
            num_env_runners=plan.runners,
            num_envs_per_env_runner=plan.envs,
            rollout_fragment_length=ppo.rollout // rows,
        )
        .multi_agent(policies=set(names.values()), policy_mapping_fn=partial(_named, names))
        .rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))
        .learners(
            num_learners=0,
            learner_class=PpoLearner,
            add_default_connectors_to_learner_pipeline=False,
            learner_connector=partial(_connector, ppo.gamma, ppo.lambda_),
        )
        .training(
            lr=_schedule(ppo.lr),
            gamma=ppo.gamma,
            lambda_=ppo.lambda_,
            clip_param=ppo.clip,
            train_batch_size_per_learner=ppo.rollout,
            minibatch_size=ppo.batch,
            num_epochs=ppo.epochs,
            entropy_coeff=_schedule(ppo.entropy),
            vf_loss_coeff=ppo.value_weight,
            vf_clip_param=ppo.value_clip,
            grad_clip=ppo.gradient_clip,
            grad_clip_by="global_norm",
            use_kl_loss=False,
        )
        .fault_tolerance(restart_failed_env_runners=True, max_num_env_runner_restarts=100)
        .debugging(seed=seed, log_level="ERROR")
    )


def _named(names: dict[Agent, str], agent: Agent, episode: Any = None, **_: Any) -> str:
    return names[agent]


def _connector(gamma: float, lambda_: float, *spaces: Any) -> BatchOfFragments:
    return BatchOfFragments(gamma=gamma, lambda_=lambda_)


def _schedule(value: Schedule) -> Any:
    """As RLlib has it: a list starts at step 0."""
    return value if isinstance(value, float) else [list(point) for point in value]
