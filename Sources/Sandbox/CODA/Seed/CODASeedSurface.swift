extension CODASeed {
  private static let names = [
    "www", "shop", "mail", "vpn", "portal", "api", "files", "careers", "status", "git", "cdn",
    "support", "b2b",
  ]
  private static let portSets: [(tcp: [Int], udp: [Int])] = [
    ([80, 443], []), ([443], []), ([25, 443, 993], []), ([443], [500, 4_500]), ([22, 443], []),
  ]
  private static let staff = [("Ana", "Lindqvist"), ("Ben", "Okafor"), ("Chloe", "Moreau")]

  /// 13 names of the cloud scanner, the third also scanned by the plant; then 7 ranges of the plant
  /// and 4 of the head office. Many have more than one target.
  static func acmeInputs() -> [CODAInput] {
    var inputs: [CODAInput] = []
    var nextTarget = 7_001
    func add(_ text: String, _ scans: [(scannerID: Int, targets: [CODATarget])]) {
      let number = inputs.count
      inputs.append(
        CODAInput(
          id: 501 + number, text: text, user: staff[number % staff.count],
          scannedOn: epoch - number % 7 * day,
          scans: scans.map { CODAInput.Scan(scannerID: $0.scannerID, targets: $0.targets) }))
    }
    func targets(_ count: Int, _ make: (_ id: Int, _ part: Int) -> CODATarget) -> [CODATarget] {
      defer { nextTarget += count }
      return (0..<count).map { make(nextTarget + $0, $0) }
    }

    for (index, name) in names.enumerated() {
      let found = targets(1 + (index % 3 == 0 ? 1 : 0) + (index % 4 == 1 ? 1 : 0)) { id, part in
        publicTarget(id, name: "\(name).acme.example", of: acme, number: index * 4 + part)
      }
      let inside = index == 2 ? targets(1) { id, _ in plantTarget(id, "10.20.9", host: 0) } : []
      add("\(name).acme.example", [(9, found)] + (inside.isEmpty ? [] : [(12, inside)]))
    }
    for (scannerID, net, ranges) in [(12, "10.20", 7), (15, "10.10", 4)] {
      for range in 0..<ranges {
        let found = targets(range % 2 == 0 ? 2 : 1) { id, part in
          plantTarget(id, "\(net).\(range)", host: part)
        }
        add("\(net).\(range).0/24", [(scannerID, found)])
      }
    }
    // The last range was never scanned.
    inputs[inputs.count - 1].scannedOn = nil
    return inputs
  }

  private static let acme = "Acme Manufacturing"
  private static let northwind = "Northwind Clinics"

  private static func publicTarget(
    _ id: Int, name: String, of organization: String, number: Int
  ) -> CODATarget {
    let ports = portSets[number % portSets.count]
    let net = organization == acme ? "203.0.113" : "198.51.100"
    return CODATarget(
      id: id, ip: "\(net).\(10 + number)", organization: organization, hostnames: [name],
      range: "\(net).0/24", tcpPorts: ports.tcp, udpPorts: ports.udp, devices: 1,
      isStopped: id % 10 == 5)
  }

  private static func plantTarget(_ id: Int, _ net: String, host: Int) -> CODATarget {
    CODATarget(
      id: id, ip: "\(net).\(1 + host)", organization: "", hostnames: [], range: "\(net).0/24",
      tcpPorts: [102, 445], udpPorts: [161], devices: 3 + host)
  }

  static let northwindInputs = [
    (601, "www.northwind.example", 8_001), (602, "records.northwind.example", 8_002),
  ].map { id, text, target in
    CODAInput(
      id: id, text: text, user: ("Dara", "Tanaka"), scannedOn: epoch - id % 2 * day,
      scans: [
        CODAInput.Scan(
          scannerID: 21,
          targets: [publicTarget(target, name: text, of: northwind, number: target % 10)])
      ])
  }
}
