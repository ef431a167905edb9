extension GravityZoneSeed {
  /// A type of machine in one folder.
  private struct Model {
    let prefix: String
    let count: Int
    let folder: Folder
    var operatingSystem = "Windows 11 Pro"
    var machine = GravityZoneEndpoint.Machine.computer
    var role = GravityZoneEndpoint.Role.workstation
    /// How many machines, from the first, have an agent; nil for all.
    var managed: Int?
    var hasEDR = true
    var ssid = ""
    /// Number of digits in the name.
    var digits = 1
  }

  private static let models = [
    Model(prefix: "LOBBY-PC", count: 4, folder: .computers, ssid: "harbor-guest"),
    Model(
      prefix: "GUEST-", count: 5, folder: .computers, operatingSystem: "", machine: .other,
      managed: 0, hasEDR: false, digits: 2),
    Model(prefix: "FIN-PC", count: 8, folder: .finance),
    Model(prefix: "PAY-PC", count: 5, folder: .payroll, operatingSystem: "Windows 10 Pro"),
    Model(
      prefix: "ENG-WS", count: 10, folder: .engineering, operatingSystem: "Ubuntu 24.04 LTS",
      ssid: "harbor-lab", digits: 2),
    Model(
      prefix: "DOCK-HMI", count: 8, folder: .dock, operatingSystem: "Windows 10 IoT Enterprise",
      managed: 6, hasEDR: false),
    Model(
      prefix: "SRV-EXCH", count: 1, folder: .servers, operatingSystem: "Windows Server 2022",
      role: .exchangeServer),
    Model(
      prefix: "SRV-RELAY", count: 2, folder: .servers, operatingSystem: "Windows Server 2022",
      role: .relay),
    Model(
      prefix: "SVA-", count: 1, folder: .servers, operatingSystem: "Linux",
      machine: .virtualMachine, role: .securityServer, hasEDR: false, digits: 2),
    Model(
      prefix: "AWS-WEB", count: 1, folder: .servers, operatingSystem: "Amazon Linux 2023",
      machine: .ec2Instance),
    Model(
      prefix: "VM-APP", count: 9, folder: .virtual, operatingSystem: "Windows Server 2019",
      machine: .virtualMachine),
    Model(prefix: "OLD-PC", count: 2, folder: .deleted, operatingSystem: "Windows 7"),
    Model(prefix: "CLINIC-PC", count: 4, folder: .wards, managed: 3),
  ]

  static func endpoints() -> [GravityZoneEndpoint] {
    var endpoints: [GravityZoneEndpoint] = []
    for model in models {
      for index in 1...model.count {
        let number = endpoints.count + 1
        let isManaged = index <= model.managed ?? model.count
        let suffix = String(index)
        let zeros = String(repeating: "0", count: max(0, model.digits - suffix.count))
        endpoints.append(
          GravityZoneEndpoint(
            id: GravityZoneID.make(.endpoint, number), number: number,
            name: model.prefix + zeros + suffix, label: index == 2 ? "second of its kind" : "",
            companyID: model.folder.companyID, groupID: model.folder.id, isManaged: isManaged,
            machine: model.machine, role: model.role, operatingSystem: model.operatingSystem,
            ssid: model.ssid, hasEDR: isManaged && model.hasEDR))
      }
    }
    return endpoints
  }
}
