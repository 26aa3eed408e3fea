export {
  hostsOf,
  type NameServer,
  nameServersOf,
  parseNameServer,
} from './dns/host-files.js';
export { EventLog, type NetworkEvent, type NetworkEventKind, type NetworkEventSink } from './events.js';
export { type AskApplication, type ConnectQuestion, type Decision, endpointText, Gate } from './gate.js';
export { type HostCalls, HostNet, type HostOwner, type Watcher } from './host-net.js';
export { FRAME_HEADER, FrameSplitter } from './link/frame-splitter.js';
export { StreamLink, type StreamLinkOptions } from './link/stream-link.js';
export { SwitchCore, type SwitchPort } from './link/switch-core.js';
export { TapLink, type TapOptions } from './link/tap-link.js';
export type { LinkPlan } from './link-plan.js';
export { type FlowQuery, Policy, type Verdict } from './policy/policy.js';
export { NAMED_RANGES, type Prefix, parsePrefix, type RangeKind } from './policy/ranges.js';
export {
  type Action,
  type Direction,
  type Protocol,
  parseRule,
  type Rule,
  type RuleError,
  splitRules,
} from './policy/rule.js';
export type { NetworkLimits } from './user/limits.js';
export type { PublishedPort } from './user/published.js';
export type { UpstreamProxyOptions } from './user/upstream-proxy.js';
export { UserNetwork, type UserNetworkOptions } from './user/user-network.js';
