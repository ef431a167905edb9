extension CODASeed {
  /// A type of machine. The devices of a tenant cycle through the types.
  private struct Model {
    var prefix: String
    var osType: String
    var tcpPorts: [Int]
    var udpPorts: [Int]
    var applications: Int
    /// Positions in the vulnerability table.
    var vulnerabilities: [Int]
  }

  private static let agentModels = [
    Model(
      prefix: "PC-FIN", osType: "WIN", tcpPorts: [135, 445, 3389], udpPorts: [137],
      applications: 41, vulnerabilities: [4, 7, 10]),
    Model(
      prefix: "PC-ENG", osType: "WIN", tcpPorts: [135, 445], udpPorts: [], applications: 63,
      vulnerabilities: [8, 1, 10, 11]),
    Model(
      prefix: "MAC-DES", osType: "MAC", tcpPorts: [22, 5_900], udpPorts: [5_353],
      applications: 38, vulnerabilities: [8]),
    Model(
      prefix: "LNX-BLD", osType: "LNX", tcpPorts: [22, 2_376], udpPorts: [], applications: 19,
      vulnerabilities: [9, 12, 13, 0]),
    Model(
      prefix: "HMI-LINE", osType: "WIN", tcpPorts: [102, 445, 5_900], udpPorts: [161],
      applications: 0, vulnerabilities: [3, 5]),
    Model(
      prefix: "PC-OPS", osType: "WIN", tcpPorts: [445], udpPorts: [], applications: 27,
      vulnerabilities: []),
  ]

  private static let serverModels = [
    Model(
      prefix: "SRV-WEB", osType: "LNX", tcpPorts: [80, 443], udpPorts: [], applications: 6,
      vulnerabilities: [14, 17, 18]),
    Model(
      prefix: "SRV-DC", osType: "WIN", tcpPorts: [53, 88, 389, 445], udpPorts: [53, 88],
      applications: 9, vulnerabilities: [2, 1]),
    Model(
      prefix: "FW-EDGE", osType: "LNX", tcpPorts: [443, 541], udpPorts: [500], applications: 2,
      vulnerabilities: [6]),
    Model(
      prefix: "SRV-FILE", osType: "WIN", tcpPorts: [445, 5_985], udpPorts: [],
      applications: 0, vulnerabilities: []),
    Model(
      prefix: "SRV-MAIL", osType: "LNX", tcpPorts: [25, 443, 993], udpPorts: [],
      applications: 8, vulnerabilities: [15, 16]),
  ]

  private static let sites = [
    (scannerID: 9, scannerName: "Cloud Scanner", net: "203.0.113"),
    (scannerID: 12, scannerName: "Plant Floor Scanner", net: "10.20.1"),
    (scannerID: 15, scannerName: "Head Office Scanner", net: "10.10.1"),
  ]
  private static let tagNames = ["production", "laptop", "ot-network", "pci"]

  static func acmeDevices() -> [CODADevice] {
    (0..<45).map { number in
      let isServer = number % 3 == 2
      // Servers and agents cycle separately, so that every model occurs.
      let models = isServer ? serverModels : agentModels
      let turn = isServer ? number / 3 : number - number / 3
      let model = models[turn % models.count]
      let isExternal = isServer && number % 2 == 0
      let site = isExternal ? sites[0] : sites[1 + number % 2]
      return device(
        id: 1_001 + number, number: number, model, isServer: isServer, isExternal: isExternal,
        ip: "\(site.net).\(10 + number)", scanner: (site.scannerID, site.scannerName),
        isAttackAvenuesAvailable: (number + 1) % 11 != 0)
    }
  }

  static func northwindDevices() -> [CODADevice] {
    (0..<4).map { number in
      device(
        id: 2_001 + number, number: number, number == 3 ? serverModels[1] : agentModels[number],
        isServer: number == 3, isExternal: false, ip: "172.16.4.\(20 + number)",
        scanner: (21, "Cloud Scanner"), isAttackAvenuesAvailable: true)
    }
  }

  private static func device(
    id: Int, number: Int, _ model: Model, isServer: Bool, isExternal: Bool, ip: String,
    scanner: (id: Int, name: String), isAttackAvenuesAvailable: Bool
  ) -> CODADevice {
    let discoveredOn = epoch - (120 - number * 2) * day - number % 5 * hour
    let isScanned = number % 8 != 6
    let found = isScanned ? model.vulnerabilities : []
    let vulnerabilities = found.enumerated().map { index, known in
      CODAFinding(
        id: id * 100 + index, vulnerability: vulnerabilityTable[known],
        state: CODAFinding.states[(number + index * 3) % CODAFinding.states.count],
        discovered: discoveredOn + index * hour)
    }
    let worst = found.map { vulnerabilityTable[$0].score }.max() ?? 0
    return CODADevice(
      id: id, isServer: isServer, name: "\(model.prefix)-\(100 + number)", ip: ip,
      osType: model.osType,
      risk: worst >= 9 ? .critical : worst > 0 ? .vulnerable : isScanned ? .secure : .nonvisible,
      isOnline: number % 4 != 3, isExternal: isExternal,
      source: isServer ? (number % 9 == 8 ? "nessusimport" : "agentless") : "agentbased",
      scannerID: scanner.id, scannerName: scanner.name, applicationsCount: model.applications,
      tcpPorts: model.tcpPorts, udpPorts: model.udpPorts,
      tags: number % 3 == 0 ? [tagNames[number % tagNames.count]] : [],
      discoveredOn: discoveredOn, lastSeen: epoch - number * 37 * 60,
      lastScanned: isScanned ? epoch - (number % 10) * day : nil,
      isAttackAvenuesAvailable: isAttackAvenuesAvailable,
      avenues: avenues(of: id, number: number, found, discoveredOn: discoveredOn),
      vulnerabilities: vulnerabilities, users: isServer ? [] : users(number),
      networkConnections: isServer ? [] : networkConnections(number))
  }

  // MARK: Attack avenues

  private static let avenueTitles = [
    ("SMB signing is not required", "medium", "5.3", "Require SMB signing by group policy."),
    ("Remote Desktop is reachable", "high", "7.5", "Allow Remote Desktop through the VPN only."),
    ("TLS 1.0 is accepted", "low", "3.7", "Allow TLS 1.2 and later only."),
    ("Operating system detected", "informational", "0.0", ""),
  ]

  private static func avenues(
    of deviceID: Int, number: Int, _ found: [Int], discoveredOn: Int
  ) -> [CODAAvenue] {
    (0..<(1 + number % 4)).map { index in
      let (title, severity, score, solution) = avenueTitles[(number + index) % avenueTitles.count]
      return CODAAvenue(
        id: deviceID * 10 + index, title: title, severity: severity, score: score,
        state: CODAFinding.states[(number + index) % CODAFinding.states.count],
        solution: solution, discoveredOn: discoveredOn + index * hour,
        vulnerabilities: index == 0 ? found.prefix(1).map { vulnerabilityTable[$0].cve } : [])
    }
  }

  // MARK: Accounts and network connections

  private static let people = [
    "a.lindqvist", "b.okafor", "c.moreau", "d.tanaka", "e.novak", "f.rossi", "g.silva",
  ]

  private static func users(_ number: Int) -> [CODAUserAccount] {
    [
      CODAUserAccount(
        name: "Administrator", description: "Built-in account for administering the computer",
        accountType: "512", isDisabled: true, passwordExpires: false),
      CODAUserAccount(
        name: people[number % people.count], description: "", accountType: "512",
        isDisabled: false, passwordExpires: true),
      CODAUserAccount(
        name: "svc-backup", description: "Backup agent", accountType: "66048",
        isDisabled: number % 5 == 0, passwordExpires: false),
    ]
  }

  private static let peers = [
    ("198.51.100.17", 443, "chrome.exe"), ("198.51.100.25", 443, "outlook.exe"),
    ("10.10.1.12", 445, "System"), ("203.0.113.53", 8_883, "fieldgateway.exe"),
  ]

  private static func networkConnections(_ number: Int) -> [CODANetworkConnection] {
    (0..<(2 + number % 3)).map { index in
      let (address, port, process) = peers[(number + index) % peers.count]
      return CODANetworkConnection(
        localPort: 49_152 + number * 16 + index, remoteAddress: address, remotePort: port,
        processName: process)
    }
  }
}
