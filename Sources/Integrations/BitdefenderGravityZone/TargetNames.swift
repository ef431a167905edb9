import IntegrationKit

/// Display names of endpoints, groups and items.
extension TargetNaming {
  static let endpoints: @Sendable () -> TargetNaming = {
    TargetNaming(
      of: "endpoint_ids", by: "get_managed_endpoint_details", "managed_endpoint_ids",
      id: ["result", "id"], names: [["result", "name"], ["result", "ip"]])
  }

  static let groups: @Sendable () -> TargetNaming = {
    TargetNaming(of: "group_ids", by: "list_groups", names: [["name"]])
  }

  static let blockListItems: @Sendable () -> TargetNaming = {
    TargetNaming(
      of: "hash_item_ids", by: "list_block_list", names: [["filename"], ["hash"], ["sourceInfo"]])
  }

  static let quarantineItems: @Sendable () -> TargetNaming = {
    TargetNaming(
      of: "quarantine_item_ids", by: "list_quarantine_items", sharing: ["quarantine_item_service"],
      names: [["endpointName"], ["threatName"], ["details", "filePath"]])
  }
}
