using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What a message under way is.</summary>
internal enum SentKind : byte
{
    /// <summary>The state message.</summary>
    State,

    /// <summary>A command's result.</summary>
    Result,

    /// <summary>A notice of the outbox.</summary>
    Notice,

    /// <summary>A block or gap that is one message.</summary>
    Item,

    /// <summary>One of several messages of a large block.</summary>
    Part,

    /// <summary>A picture's manifest.</summary>
    Manifest,

    /// <summary>A picture's chunk.</summary>
    Chunk,
}

/// <summary>A block that went out as several messages.</summary>
internal sealed class PartTransfer
{
    public int Outstanding { get; set; }

    public bool AllSent { get; set; }

    /// <summary>A part was refused: the block is sent anew as a whole, or given up.</summary>
    public bool Aborted { get; set; }
}

/// <summary>A message under way.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="ItemId">The spool's item, the outbox's notice, or 0.</param>
/// <param name="Index">Number of the chunk.</param>
/// <param name="Function">The item's function, or empty.</param>
/// <param name="Field">The item's field; empty for a gap and for what is no item.</param>
/// <param name="Sequence">The item's number within its function.</param>
/// <param name="Reference">The <see cref="PartTransfer"/>, <see cref="ImageTransfer"/>, <see cref="CommandReply"/> or <see cref="Notice"/>.</param>
internal readonly record struct Sent(
    SentKind Kind, long ItemId = 0, int Index = 0, string Function = "", string Field = "", long Sequence = 0, object? Reference = null)
{
    /// <summary>True when it holds data of the rule.</summary>
    public bool IsOf(string function, string field) => Reference is Notice { Kind: NoticeKind.Facts } facts
        ? facts.Holds.Any(one => one.Function == function && one.Field == field)
        : Function == function && Field == field;
}

/// <summary>A stored item whose data is on its way: messages of it went out that the broker has not answered.</summary>
/// <param name="Recipient">To whom.</param>
/// <param name="Function">Its function.</param>
/// <param name="Field">Its field.</param>
/// <param name="ItemId">Its number in the spool, or in the outbox.</param>
/// <param name="Sequence">Its number within the function, or in the outbox.</param>
/// <param name="Messages">Messages without an answer.</param>
/// <param name="IsFacts">True for a document of facts in the outbox.</param>
public sealed record ItemUnderWay(string Recipient, string Function, string Field, long ItemId, long Sequence, int Messages, bool IsFacts = false);

/// <summary>Messages of one connection that the broker has not answered, by message id. Sized once; no allocation after. One thread writes;
/// <paramref name="sending"/> lets others see the whole of it.</summary>
/// <param name="window">Messages at most.</param>
/// <param name="sending">Held while a message is decided, sent and noted.</param>
internal sealed class InFlightTable(int window, Lock sending)
{
    private readonly Dictionary<int, Sent> _sent = new(window);
    private readonly HashSet<long> _items = new(window);

    /// <summary>Messages under way.</summary>
    public int Count => _sent.Count;

    /// <summary>Chunks among them.</summary>
    public int Chunks { get; private set; }

    /// <summary>Notes a message.</summary>
    public void Add(int messageId, in Sent sent)
    {
        lock (sending)
        {
            _sent[messageId] = sent;
        }

        if (sent.Kind == SentKind.Chunk)
        {
            Chunks++;
        }
    }

    /// <summary>Takes a message out.</summary>
    /// <returns>False when it is not known.</returns>
    public bool Remove(int messageId, out Sent sent)
    {
        lock (sending)
        {
            if (!_sent.Remove(messageId, out sent))
            {
                return false;
            }
        }

        if (sent.Kind == SentKind.Chunk)
        {
            Chunks--;
        }

        return true;
    }

    /// <summary>Marks a spool item as under way: reading the spool again must not send it twice.</summary>
    public void AddItem(long itemId) => _items.Add(itemId);

    /// <summary>True when the item is under way.</summary>
    public bool HasItem(long itemId) => _items.Contains(itemId);

    /// <summary>The item is not under way any more.</summary>
    public void RemoveItem(long itemId) => _items.Remove(itemId);

    /// <summary>Replies to commands among the unanswered messages.</summary>
    public IEnumerable<CommandReply> Replies() => _sent.Values.Select(s => s.Reference).OfType<CommandReply>();

    /// <summary>The items of (function, field) with messages under way, by number. Any thread.</summary>
    public List<ItemUnderWay> UnderWay(string recipient, string function, string field)
    {
        lock (sending)
        {
            return [.. _sent.Values.Where(sent => sent.IsOf(function, field))
                .GroupBy(static sent => (sent.ItemId, sent.Sequence, IsFacts: sent.Kind == SentKind.Notice)).OrderBy(static item => item.Key.ItemId)
                .Select(item => new ItemUnderWay(
                    recipient, function, field, item.Key.ItemId, item.Key.IsFacts ? item.Key.ItemId : item.Key.Sequence, item.Count(), item.Key.IsFacts))];
        }
    }

    /// <summary>The connection is gone: forget all.</summary>
    public void Clear()
    {
        lock (sending)
        {
            _sent.Clear();
        }

        _items.Clear();
        Chunks = 0;
    }
}
