import Basics
import HTTP
import IntegrationKit

struct IsolateEndpoints: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Isolate Endpoints",
    "Creates tasks that isolate managed endpoints: they can reach only the Control Center.",
    effect: .write, isSensitive: true, permissions: BitdefenderGravityZone.rights,
    rateLimit: Quota.standard, readBack: "get_managed_endpoint_details",
    targetNaming: TargetNaming.endpoints,
    errorSamples: [
      ErrorSample(422, "Invalid value for this 'endpointId'. The endpoint is not managed.")
    ],
    result: { .array(of: GravityZoneResults.isolation) })

  let endpoints: [String]

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints("The managed endpoints to isolate. Groups are not accepted.")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    client.targets(.isolate, endpoints)
  }
}

struct RestoreEndpoints: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Restore Endpoints", "Creates tasks that end the isolation of managed endpoints.",
    effect: .write, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    readBack: "get_managed_endpoint_details", targetNaming: TargetNaming.endpoints,
    errorSamples: [
      ErrorSample(
        409,
        "This endpoint cannot be restored from isolation. It is either not isolated, cannot be isolated or a isolation task is already in progress."
      )
    ],
    result: { .array(of: GravityZoneResults.isolation) })

  let endpoints: [String]

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints("The managed endpoints to restore. Groups are not accepted.")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    client.targets(.restore, endpoints)
  }
}

extension GravityZoneClient {
  /// From v1.2 on, the vendor accepts a list and applies it to all endpoints or to none. One
  /// endpoint per list preserves per-endpoint outcomes.
  fileprivate func targets(_ method: GravityZoneMethod, _ endpoints: [String]) -> [Target] {
    endpoints.map { endpoint in
      Target(
        endpoint,
        request(method) {
          if version < .v12 {
            $0.member("endpointId", endpoint)
          } else {
            $0.member("endpointIds", [endpoint])
          }
        })
    }
  }
}
