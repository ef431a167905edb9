import Basics
import HTTP
import IntegrationKit
import JSON

struct AddToBlocklist: GravityZoneCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Add to Blocklist", "Adds file hashes to the block list.", effect: .write,
    isAdditive: true, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.blockList,
    readBack: "list_block_list",
    errorSamples: [
      ErrorSample(403, "Not enough rights for this companyId to add a hash to blocklist.")
    ],
    result: { GravityZoneResults.done })

  let hashes: [String]
  let type: HashType
  let description: String

  init(_ parameters: inout ParamReader) {
    hashes = parameters.required(
      "Hashes", .list(of: .text(maximumCharacters: 256), count: 1...10_000),
      "The hashes to add. All must have the given hash type.",
      examples: [["5a0ef59d5dcb2ba8b6c5f4f1d4d0e9f6a8d4c1f6c0e3d2b1a09f8e7d6c5b4a39"]]
    ).withoutDuplicates()
    type = parameters.required("Hash Type", .choice(HashType.self), "The algorithm of the hashes.")
    description = parameters.required(
      "Description", .text, "The reason for blocking. Stored with each item.",
      examples: ["Seen in incident 4711"])
  }

  func request(with client: GravityZoneClient) -> HTTPRequest {
    client.request(.addToBlocklist) { writer in
      if client.version < .v12 {
        writer.member("hashType", type)
        writer.member("hashList", hashes)
        writer.member("sourceInfo", description)
      } else {
        writeRules(to: &writer)
      }
    }
  }

  private func writeRules(to writer: inout JSONWriter) {
    writer.member("type", "hash")
    writer.name("rules")
    writer.array { writer in
      for hash in hashes {
        writer.object { writer in
          writer.member("note", description)
          writer.name("details")
          writer.object {
            $0.member("algorithm", type.rawValue)
            $0.member("hash", hash)
          }
        }
      }
    }
  }
}

struct ListBlockList: GravityZoneList {
  static let metadata = CommandMetadata(
    "List Block List", "Lists the items of the block list.",
    permissions: BitdefenderGravityZone.rights, items: ItemsPath("result", "items"),
    rateLimit: Quota.standard,
    errorSamples: [ErrorSample(400, "The value for parameter (Page Size) is invalid.")],
    result: { GravityZoneResults.blockList })

  let paging: Paging

  init(_ parameters: inout ParamReader) { paging = parameters.paging() }

  func request(with client: GravityZoneClient, page: Int64?) -> HTTPRequest {
    client.request(.blocklistItems) { paging.write(page: page, to: &$0) }
  }
}

struct RemoveFromBlockList: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Remove From Block List", "Removes items from the block list.", effect: .destructive,
    permissions: BitdefenderGravityZone.rights, rateLimit: Quota.blockList,
    readBack: "list_block_list", targetNaming: TargetNaming.blockListItems,
    errorSamples: [
      ErrorSample(
        403,
        "The blocklisted file does not exist or you do not have enough rights to access this item.")
    ],
    result: { .array(of: GravityZoneResults.done) })

  let items: [String]

  init(_ parameters: inout ParamReader) {
    items = parameters.ids(
      "Hash Item IDs", "The items to remove.", from: "list_block_list",
      example: "6affe1e0b1a43d0004000001")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    items.map { item in
      Target(
        item,
        client.request(.removeFromBlocklist) {
          if client.version < .v12 {
            $0.member("hashItemId", item)
          } else {
            $0.member("ids", [item])
          }
        })
    }
  }
}
