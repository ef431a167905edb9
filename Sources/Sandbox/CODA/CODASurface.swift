import Basics
import JSON

/// A scan target entered by a user: a name, an address or a range.
struct CODAInput {
  struct Scan {
    let scannerID: Int
    var targets: [CODATarget]
  }

  let id: Int
  let text: String
  /// First and last name.
  let user: (first: String, last: String)
  /// Nil before the first scan.
  var scannedOn: Int?
  var scans: [Scan]

  private var hasQuirks: Bool { id % 7 == 0 }

  func write(to writer: inout JSONWriter, _ scanners: [CODAScanner]) {
    writer.object { writer in
      writer.member("id", id)
      writer.name("user")
      writeUser(to: &writer)
      writer.member("scanDate", scanDate)
      writer.member("input", text)
      writer.name("scanners")
      writer.array { writer in
        for scan in scans {
          guard let scanner = scanners.first(where: { $0.id == scan.scannerID }) else { continue }
          write(scan, by: scanner, to: &writer)
        }
      }
    }
  }

  var scanDate: String {
    guard let scannedOn else { return "None" }
    return hasQuirks ? Timestamp.spaced(scannedOn) : Timestamp.iso(scannedOn)
  }

  private func writeUser(to writer: inout JSONWriter) {
    guard !hasQuirks else {
      writer.string("")
      return
    }
    writer.object { writer in
      writer.member("firstName", user.first)
      writer.member("lastName", user.last)
      writer.member("photo", "")
    }
  }

  private func write(_ scan: Scan, by scanner: CODAScanner, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", scanner.id)
      writer.member("label", scanner.label)
      writer.name("potentialTargets")
      writer.array { writer in
        writer.object { writer in
          writer.member("value", text)
          writer.member("source", scanner.isCloud ? "dns" : "network")
        }
      }
      writer.name("currentTargets")
      writer.array { writer in for target in scan.targets { target.write(to: &writer) } }
    }
  }
}

/// A scanned address.
struct CODATarget {
  let id: Int
  let ip: String
  let organization: String
  let hostnames: [String]
  let range: String
  let tcpPorts: [Int]
  let udpPorts: [Int]
  let devices: Int
  /// Whether it is out of scope.
  var isStopped = false

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("ip", ip)
      writer.member("organization", organization)
      writer.member("description", "")
      writer.name("hostnames")
      writer.array { writer in for name in hostnames { writer.string(name) } }
      writer.member("range", range)
      writer.member("isRangeScanned", false)
      writer.member("isTargetStopped", isStopped)
      writer.member("isTargetPaused", false)
      writer.name("results")
      writer.object { writer in
        writer.name("applications")
        writer.object { $0.member("count", tcpPorts.count + udpPorts.count) }
        writer.name("devices")
        writer.object { $0.member("count", devices) }
      }
    }
  }

  func writePorts(
    to writer: inout JSONWriter, of input: CODAInput, _ profile: CODA.Profile
  ) {
    writer.object { writer in
      writer.member("userInput", input.text)
      writer.member("ipAddress", ip)
      writer.name("portTransportProtocolList")
      writer.array { writer in
        for port in tcpPorts { Self.write(port, "tcp", to: &writer) }
        for port in udpPorts { Self.write(port, "udp", to: &writer) }
      }
      if profile == .current { writer.member("lastScanned", input.scanDate) }
    }
  }

  private static func write(_ port: Int, _ transport: String, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("port", port)
      writer.member("transportProtocol", transport)
    }
  }
}
