import Basics
import JSON

/// One page of a list.
struct CODAPage {
  static let defaultSize = 20

  /// From 1.
  var number: Int
  var size: Int

  /// `{"page","totalPages","totalCount","items"}`. A page past the end has no items.
  func envelope<Item>(
    _ items: [Item], _ write: (Item, inout JSONWriter) -> Void
  ) -> JSONFragment {
    // Neither number has an upper limit, so avoid overflow: no multiplication or addition.
    let totalPages = max(1, items.count / size + (items.count % size > 0 ? 1 : 0))
    let shown =
      number > totalPages ? [] : items.dropFirst((number - 1) * size).prefix(size)
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("page", number)
        writer.member("totalPages", totalPages)
        writer.member("totalCount", items.count)
        writer.name("items")
        writer.array { writer in
          for item in shown { write(item, &writer) }
        }
      }
    }
  }

  /// A list without paging.
  static func bare<Item>(
    _ items: [Item], _ write: (Item, inout JSONWriter) -> Void
  ) -> JSONFragment {
    JSONFragment { writer in
      writer.array { writer in
        for item in items { write(item, &writer) }
      }
    }
  }
}
