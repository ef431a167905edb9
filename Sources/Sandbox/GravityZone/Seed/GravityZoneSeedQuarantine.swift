extension GravityZoneSeed {
  private static let threats = [
    "Trojan.Sandbox.A", "Trojan.Sandbox.B", "Adware.Sandbox", "Test.File", "Ransom.Sandbox",
  ]

  /// By name of the endpoint: two for most machines of Finance, some elsewhere, and mails.
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
    return (files + mails).enumerated().map { place, holder in
      let (endpoint, service) = holder
      return GravityZoneQuarantineItem(
        id: GravityZoneID.make(.quarantineItem, place + 1), service: service,
        endpointID: endpoint.id, threatName: threats[place % threats.count],
        filePath: service == .exchange
          ? "invoice\(place).docm" : "C:\\Users\\Public\\Downloads\\setup\(place).exe",
        quarantinedOn: epoch - place * day, actionStatus: place % 7 == 5 ? 3 : 0,
        canBeRemoved: place % 10 != 9)
    }
  }
}
