extension GravityZoneSeed {
  private static let names = [
    "Phishing Review", "Application Control", "Web Control", "Modules Overview",
    "Protection Overview", "Firewall Review", "Malware Review",
  ]
  private static let types = [1, 2, 3, 7, 8, 9, 12]

  /// One report per name and occurrence, then the special ones.
  static func reports() -> [GravityZoneReport] {
    var reports: [GravityZoneReport] = []
    func add(
      _ name: String, _ type: Int, _ occurrence: GravityZoneReport.Occurrence,
      companyID: String = harborID, readyAfterSeconds: Int? = 0,
      linkFault: GravityZoneReport.LinkFault = .none
    ) {
      reports.append(
        GravityZoneReport(
          id: GravityZoneID.make(.report, reports.count + 1), name: name, type: type,
          occurrence: occurrence, companyID: companyID, readyAfterSeconds: readyAfterSeconds,
          linkFault: linkFault))
    }
    for (name, type) in zip(names, types) {
      for occurrence in GravityZoneReport.Occurrence.allCases {
        add("\(name) \(occurrence)", type, occurrence)
      }
    }
    add("Ready In Five Minutes", 22, .instant, readyAfterSeconds: 300)
    add("Never Ready", 22, .monthly, readyAfterSeconds: nil)
    add("Link To Another Address", 17, .instant, linkFault: .foreignAddress)
    add("Link To Another Name", 17, .weekly, linkFault: .foreignName)
    add("Page Instead Of An Archive", 17, .instant, linkFault: .page)
    add("Clinic Overview", 8, .daily, companyID: lanternID)
    return reports
  }
}
