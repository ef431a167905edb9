import Basics
import HTTPServer

/// An API key with its rights.
struct GravityZoneKey {
  enum Area: String, CaseIterable {
    case general, network, incidents, quarantine, reports
  }

  let text: String
  let areas: [Area]
  /// The companies that the key can access. The first one is the owner.
  let companyIDs: [String]
  let mayChangeBlocklist: Bool

  /// All rights for both companies.
  static let partner = GravityZoneKey(
    text: "b4a1c0de5eed00112233445566778899aabbccddeeff00112233445566778811",
    areas: Area.allCases, companyIDs: [GravityZoneSeed.harborID, GravityZoneSeed.lanternID],
    mayChangeBlocklist: true)

  /// Harbor Logistics, only network and incidents, without the right to change the blocklist.
  static let analyst = GravityZoneKey(
    text: "b4a1c0de5eed00112233445566778899aabbccddeeff00112233445566778822",
    areas: [.network, .incidents], companyIDs: [GravityZoneSeed.harborID],
    mayChangeBlocklist: false)

  /// All rights for Lantern Clinics.
  static let clinic = GravityZoneKey(
    text: "b4a1c0de5eed00112233445566778899aabbccddeeff00112233445566778833",
    areas: Area.allCases, companyIDs: [GravityZoneSeed.lanternID], mayChangeBlocklist: true)

  private static let all = [partner, analyst, clinic]
}

extension GravityZoneKey {
  /// The key of a request: the user name of Basic authentication with an empty password.
  init?(_ request: HTTPServer.Request) {
    let header = request.headers["Authorization"] ?? ""
    let expected = Self.all.first { key in
      header == "Basic " + Base64.encode(Array((key.text + ":").utf8))
    }
    guard let expected else { return nil }
    self = expected
  }
}
