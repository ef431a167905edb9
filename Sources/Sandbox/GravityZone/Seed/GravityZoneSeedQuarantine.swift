extension GravityZoneSeed {
  private static let threats = [
    "Trojan.Sandbox.A", "Trojan.Sandbox.B", "Adware.Sandbox", "Test.File", "Ransom.Sandbox",
  ]

  /// By endpoint name: two items for most machines of Finance, some elsewhere, and mails.
  static func quarantine(_ endpoints: [GravityZoneEndpoint]) -> [GravityZoneQuarantineItem] {
    let holders = endpoints.filter { endpoint in
      endpoint.isManaged && (endpoint.groupID == Folder.finance.id || endpoint.number % 9 == 1)
    }
    let exchange = endpoints.filter { $0.role == .exchangeServer }
    let files = (holders + holders.prefix(6)).map {
      ($0, GravityZoneQuarantineItem.Service.computers)
    }
    let mails = (0..<6).flatMap { _ in exchange }
      .map { ($0, GravityZoneQuarantineItem.Service.exchange) }
    return (files + mails).enumerated().map { index, holder in
      let (endpoint, service) = holder
      return GravityZoneQuarantineItem(
        id: GravityZoneID.make(.quarantineItem, index + 1), service: service,
        endpointID: endpoint.id, threatName: threats[index % threats.count],
        filePath: service == .exchange
          ? "invoice\(index).docm" : "C:\\Users\\Public\\Downloads\\setup\(index).exe",
        quarantinedOn: epoch - index * day, actionStatus: index % 7 == 5 ? 3 : 0,
        canBeRemoved: index % 10 != 9)
    }
  }
}
