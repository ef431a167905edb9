import Basics
import IntegrationKit
import JSON

/// Result shapes from the vendor's OpenAPI document (classic revision, main members).
enum CODAResults {
  static func paged(_ item: ResultShape) -> ResultShape {
    .object([
      .init("page", .integer, "Page number, from 1."),
      .init("totalPages", .integer, "Number of pages."),
      .init("totalCount", .integer, "Number of items on all pages."),
      .init("items", .array(of: item)),
    ])
  }

  static let devices = paged(
    .object([
      .init("id", .integer), .init("type", .text, "AgentDevice or Server."),
      .init("name", .text), .init("ip", .text), .init("hostnames", .array(of: .text)),
      .init("riskLevel", .integer, "0 to 3."), .init("isOnline", .text),
      .init("isAttackAvenuesAvailable", .boolean, "Classic revision only."),
      .init("numberOfCves", .integer), .init("numberOfAttackAvenues", .integer),
      .init("discoveredOn", .text), .init("lastSeen", .text),
    ]))

  static let attackAvenues = ResultShape.array(
    of: .object([
      .init("id", .integer), .init("elementId", .integer, "The device."), .init("title", .text),
      .init("state", .text), .init("severity", .text), .init("cvssBase", .text),
      .init("summary", .text), .init("solution", .text),
    ]))

  static let users = ResultShape.array(
    of: .object([
      .init("name", .text), .init("description", .text), .init("accountType", .text),
      .init("disabled", .text), .init("passwordExpires", .text),
    ]))

  static let vulnerabilities = ResultShape.array(
    of: .object([
      .init("id", .integer), .init("elementId", .integer, "The device."), .init("cve", .text),
      .init("severity", .text), .init("cvssScore", .number), .init("summary", .text),
      .init("state", .text), .init("remediation", .text), .init("publishedDate", .text),
    ]))

  static let technicalContext = ResultShape.object([
    .init("id", .integer), .init("name", .text), .init("modified", .text),
    .init("state", .integer), .init("type", .text), .init("info", .object([])),
  ])

  static let scanner = ResultShape.object([
    .init("id", .integer), .init("label", .text), .init("state", .text),
    .init("administrativeState", .text), .init("type", .text),
    .init("isDefaultCloudScanner", .boolean),
  ])

  static let scanSurfaces = paged(
    .object([
      .init("id", .integer), .init("input", .text, "The input of a user."),
      .init("scanDate", .text),
      .init(
        "scanners",
        .array(
          of: .object([
            .init("id", .integer), .init("label", .text),
            .init(
              "currentTargets",
              .array(
                of: .object([
                  .init("id", .integer), .init("ip", .text), .init("range", .text),
                  .init("isTargetStopped", .boolean), .init("isTargetPaused", .boolean),
                ]))),
          ]))),
    ]))

  static let ports = paged(
    .object([
      .init("userInput", .text), .init("ipAddress", .text),
      .init(
        "portTransportProtocolList",
        .array(of: .object([.init("port", .integer), .init("transportProtocol", .text)]))),
    ]))

  static let tenants = ResultShape.array(
    of: .object([
      .init("id", .integer), .init("name", .text), .init("lastLogin", .text),
      .init("isPrimaryAccount", .text),
    ]))
}

extension PagedCommand where Client == CODAClient {
  func counts(in body: JSON) -> PageCounts {
    PageCounts(pages: body["totalPages"], items: body["totalCount"])
  }
}
