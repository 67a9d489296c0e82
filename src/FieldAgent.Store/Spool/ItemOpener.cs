using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Codec;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Spooling;

/// <summary>Turns stored rows back into what was put in: finds the key, opens the seal, decodes. One thread; its buffers are used
/// again.</summary>
internal sealed class ItemOpener(StoreContext context, Catalogue catalogue) : IDisposable
{
    /// <summary>What <see cref="Fill"/> says of an item whose term is over, or that is being erased: nobody may read it, and it is not the
    /// reader who deletes it.</summary>
    public const string Withheld = "it is withheld";

    private readonly KeyCache _keys = new(context);
    private readonly BlockDecoder _decoder = new();
    private byte[] _plain = new byte[4096];
    private byte[] _seal = [];
    private ImageSource? _image;
    private (ItemInfo Item, TermStart Start, long TermNs) _imageTerm;
    private bool _wipe;

    /// <summary>Overwrites what the last item left in memory when it was personal.</summary>
    public void WipePersonal()
    {
        if (_wipe)
        {
            _decoder.Wipe();
            Array.Clear(_plain);
            _wipe = false;
        }
    }

    /// <summary>Forgets keys: some may have been destroyed.</summary>
    public void ForgetKeys() => _keys.Forget();

    /// <summary>Reads part of the picture filled last.</summary>
    /// <exception cref="StoreFault">It is another, or its file is gone or damaged.</exception>
    public int ReadImage(SpoolImage image, long offset, Span<byte> buffer)
    {
        if (_image is not { } source || source.Id != image.ImageId)
        {
            throw new StoreFault(StoreFaultKind.Refused, "only the picture read last can be read", retry: false);
        }

        if (context.Doomed.Covers(_imageTerm.Item.Key, _imageTerm.Item.Id) || context.Terms.IsUnreadable(_imageTerm.Start, _imageTerm.TermNs))
        {
            throw new StoreFault(StoreFaultKind.Refused, $"picture {image.ImageId} was erased, or its term is over", retry: false);
        }

        return source.Read(offset, buffer);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _image?.Dispose();
        _decoder.Wipe();
        Array.Clear(_plain);
    }

    /// <summary>Fills <paramref name="item"/> from a row and its sealed payload.</summary>
    /// <returns>Null when it is filled; else why it cannot be.</returns>
    public string? Fill(SpoolItem item, in Prefetch.Row row, ReadOnlySpan<byte> payload)
    {
        item.Kind = row.Item.Kind;
        item.Id = row.Item.Id;
        item.Sequence = row.Item.Sequence;
        item.Generation = context.Database.Generation;
        item.Readings = row.Item.Readings;
        item.Sets = [];
        item.Image = null;
        item.Gap = null;
        if (catalogue.Boot(row.Boot) is not { } boot)
        {
            return "its boot is not known";
        }

        // this boot's clock may be known better now than when it was noted
        var clock = context.Clock;
        var live = boot.BootId == clock.BootId && clock.Quality >= boot.Quality;
        item.BootId = boot.BootId;
        item.WallOffsetNs = live ? clock.WallOffsetNs : boot.WallOffsetNs;
        item.Quality = live ? clock.Quality : boot.Quality;
        if (row.Item.Kind == SpoolItemKind.Gap)
        {
            return FillGap(item);
        }

        if (catalogue.Ground(row.Item.Ground) is not { } ground)
        {
            return "its permit is not known";
        }

        item.Function = ground.Function;
        item.Field = ground.Field;
        item.Purpose = ground.Purpose;
        item.PolicyVersion = ground.PolicyVersion;
        item.ConsentId = ground.ConsentId;
        var start = context.Terms.Start(boot, row.AtMs);
        if (context.Doomed.Covers(row.Item.Key, row.Item.Id) || context.Terms.IsUnreadable(start, ground.Terms.TermNs))
        {
            return Withheld;
        }

        if (_keys.Find(row.Item.Key) is not { } key)
        {
            return "its key is gone";
        }

        var length = payload.Length - key.MarkBytes - Sealed.TagBytes;
        if (length < 0)
        {
            return "it is cut short";
        }

        if (_plain.Length < length + BitReader.Padding)
        {
            _plain = new byte[(length * 2) + BitReader.Padding];
        }

        var bound = ItemContext.Compose(ref _seal, ground, item.Generation, boot.BootId, row.Item.Kind, row.Item.Id, row.Item.Sequence,
            row.AtMs, row.Item.Readings);
        if (!key.TryOpen(row.Item.Id, payload, _plain.AsSpan(0, length), bound))
        {
            return "it was damaged";
        }

        _wipe = ground.Personal;
        if (row.Item.Kind == SpoolItemKind.Block)
        {
            return FillBlock(item, length, row.AtMs);
        }

        _imageTerm = (row.Item, start, ground.Terms.TermNs);
        return FillImage(item, length, key.MarkBytes);
    }

    private string? FillBlock(SpoolItem item, int length, long atMs)
    {
        if (!_decoder.TryDecode(_plain, length, atMs * 1_000_000, catalogue.Set, StoreLimits.BlockValuesMax))
        {
            return "it does not decode";
        }

        item.Sets = _decoder.Sets;
        item.Readings = _decoder.Readings;
        return null;
    }

    private string? FillImage(SpoolItem item, int length, int markBytes)
    {
        Span<byte> key = stackalloc byte[RootKey.Bytes];
        if (ImageDescription.Read(_plain.AsSpan(0, length), key) is not { } image)
        {
            return "its description does not decode";
        }

        _image?.Dispose();
        _image = new ImageSource(context.Folder.Image(image.ImageId), image, key, markBytes);
        CryptographicOperations.ZeroMemory(key);
        item.Image = image;
        return null;
    }

    private string? FillGap(SpoolItem item)
    {
        lock (context.ReadLock)
        {
            using var gap = context.Database.Reader.Once(
                "SELECT function, field, reason, from_sequence, to_sequence, blocks, readings FROM gaps WHERE item = ?1");
            if (!gap.Bind(1, item.Id).Step())
            {
                return "its description is gone";
            }

            item.Function = gap.Text(0);
            item.Field = gap.Text(1);
            item.Purpose = "";
            item.PolicyVersion = "";
            item.ConsentId = 0;
            item.Readings = 0;
            item.Gap = new SpoolGap((GapReason)gap.Int(2), gap.Int(3), gap.Int(4), gap.Int(5), gap.Int(6));
            gap.Reset();
            return null;
        }
    }
}
