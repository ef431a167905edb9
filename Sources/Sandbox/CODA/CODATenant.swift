import Basics
import JSON

/// A customer's account with all its data.
struct CODATenant {
  let id: Int
  let name: String
  let lastLogin: Int
  var devices: [CODADevice]
  var contexts: [CODAContext]
  var scanners: [CODAScanner]
  var inputs: [CODAInput]

  func target(_ id: Int) -> CODATarget? {
    for input in inputs {
      for scan in input.scans {
        if let target = scan.targets.first(where: { $0.id == id }) { return target }
      }
    }
    return nil
  }

  mutating func changeTarget(_ id: Int, _ change: (inout CODATarget) -> Void) {
    for i in inputs.indices {
      for j in inputs[i].scans.indices {
        for k in inputs[i].scans[j].targets.indices where inputs[i].scans[j].targets[k].id == id {
          change(&inputs[i].scans[j].targets[k])
        }
      }
    }
  }

  /// - Parameter home: the home tenant of the user.
  func write(to writer: inout JSONWriter, _ profile: CODA.Profile, home: Int) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member("photo", "")
      writer.member("lastLogin", Timestamp.iso(lastLogin))
      guard profile == .current else {
        writer.member("isPrimaryAccount", id == home ? "True" : "False")
        return
      }
      writer.member("isPrimaryAccount", id == home)
      writer.member("registrationId", 9_000 + id)
      writer.member("label", "")
      writer.member("managedType", "managed")
      writer.member("isTrialMode", false)
      writer.member("devicesCount", devices.count)
      writer.member("scanType", "internal")
    }
  }
}

/// Risk levels, with the names and numbers of the classic API.
enum CODARisk: Int, CaseIterable {
  case secure, nonvisible, vulnerable, critical

  /// The levels selected by a query: one level or `all` in the classic API; a list in the current
  /// API, where `nonvisible` is called `unknown`.
  static func selected(
    _ query: inout CODAQuery, _ name: String, _ profile: CODA.Profile
  ) -> Set<CODARisk> {
    let words: [String]?
    switch profile {
    case .classic:
      let word = query.choice(name, of: ["all"] + allCases.map { $0.word(.classic) })
      words = word.flatMap { $0 == "all" ? nil : [$0] }
    case .current:
      words = query.choices(name, of: allCases.map { $0.word(.current) })
    }
    guard let words else { return Set(allCases) }
    return Set(allCases.filter { words.contains($0.word(profile)) })
  }

  func word(_ profile: CODA.Profile) -> String {
    switch self {
    case .secure: "secure"
    case .nonvisible: profile == .classic ? "nonvisible" : "unknown"
    case .vulnerable: "vulnerable"
    case .critical: "critical"
    }
  }
}
