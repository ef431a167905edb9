import Basics
import JSON

/// One page of a list.
struct GravityZonePage {
  /// From 1.
  var number: Int
  var size: Int

  private func pages(of count: Int) -> Int { count / size + (count % size > 0 ? 1 : 0) }

  private func part<Item>(of items: [Item]) -> ArraySlice<Item> {
    // The number has no upper limit, so compare before multiplying.
    number > pages(of: items.count) ? [] : items.dropFirst((number - 1) * size).prefix(size)
  }

  /// `{"page","pagesCount","perPage","total","items"}`. A page past the end has no items.
  func envelope<Item>(
    _ items: [Item], _ write: (Item, inout JSONWriter) -> Void
  ) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("page", number)
        writer.member("pagesCount", pages(of: items.count))
        writer.member("perPage", size)
        writer.member("total", items.count)
        writer.name("items")
        writer.array { writer in for item in part(of: items) { write(item, &writer) } }
      }
    }
  }

  /// The format of the v1.1 inventory: totals only on the first page.
  func inventoryEnvelope<Item>(
    _ items: [Item], _ write: (Item, inout JSONWriter) -> Void
  ) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("page", number)
        writer.member("perPage", size)
        writer.member("hasMoreRecords", number < pages(of: items.count))
        if number == 1 {
          writer.member("pagesCount", pages(of: items.count))
          writer.member("total", items.count)
        }
        writer.name("items")
        writer.array { writer in for item in part(of: items) { write(item, &writer) } }
      }
    }
  }
}
